#include "stage/stage_sql.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"
#include "base/readable.h"
#include "sql/file_scan.h"
#include "sql/inputs.h"
#include "stage/fragment.h"

namespace millpond {
namespace {

/// More paths than a person would look at; those beyond are only counted.
constexpr std::size_t kMaxFiles = 100;

std::vector<Slice> joined(const std::vector<std::vector<Slice>>& partitions) {
  std::vector<Slice> all;
  for (const auto& partition : partitions) all.insert(all.end(), partition.begin(), partition.end());
  return joined_ranges(all);
}

std::string static_select(const Source& source, const Schema& schema) {
  TaskInput input{"input", schema, source.scan, joined(source.partitions)};
  if (source.scan && input.slices.size() > kMaxFiles) {
    // DuckDB says that there is no such file, instead of giving fewer rows.
    FileSlice rest;
    rest.path = "... and " + readable_count(static_cast<std::int64_t>(input.slices.size() - kMaxFiles)) + " more files";
    input.slices.resize(kMaxFiles);
    input.slices.emplace_back(std::move(rest));
  }
  const bool has_types = source.scan && source.scan->format == FileFormat::kParquet && !source.scan->union_by_name;
  const bool is_whole = std::all_of(input.slices.begin(), input.slices.end(), [](const Slice& slice) {
    const auto* file = std::get_if<FileSlice>(&slice);
    return file != nullptr && !file->rows;
  });
  if (has_types && is_whole && !input.slices.empty()) {
    // All these files have the same columns, so that the casts of a task's input would change nothing.
    std::vector<FileSlice> files;
    for (const Slice& slice : input.slices) files.push_back(std::get<FileSlice>(slice));
    const auto scans = file_scans(files, *source.scan, schema);
    if (scans.is_ok() && scans->size() == 1) return "FROM " + scans->front();
  }
  const Result<std::string> select = input_select(input);
  return select.is_ok() ? *select : "SELECT error(" + quote_literal(select.status().message()) + ")";
}

std::string columns_of(const Schema& schema) {
  std::string columns;
  for (const Column& column : schema) columns += (columns.empty() ? "" : ", ") + quote_identifier(column.name);
  return columns.empty() ? "*" : columns;
}

std::string relation_list(const Stage& stage, const std::string& prefix,
                          std::vector<std::pair<std::string, std::string>>& relations) {
  std::string views;
  for (const StageInput& input : stage.inputs) {
    relations.emplace_back(input.name, source_select(*input.source, input.schema, prefix));
    views += "CREATE OR REPLACE TEMP VIEW " + quote_identifier(input.name) + " AS " + relations.back().second + ";\n";
  }
  return views;
}

}  // namespace

std::string stage_table_prefix(const StageGraph& graph) {
  std::string text;
  for (const Stage& stage : graph.stages) {
    text += stage.query + "\n";
    for (const std::string& statement : stage.setup) text += statement + "\n";
    for (const StageInput& input : stage.inputs) {
      for (const Column& column : input.schema) text += column.name + "\n";
    }
  }
  return free_prefix(text, "stage");
}

std::string source_select(const Source& source, const Schema& schema, const std::string& prefix) {
  switch (source.kind) {
    case Source::Kind::kStatic: return static_select(source, schema);
    case Source::Kind::kStage: return "SELECT " + columns_of(schema) + " FROM " + prefix + std::to_string(source.stage);
    case Source::Kind::kConcat: {
      std::string select;
      for (const auto& child : source.children) {
        select += (select.empty() ? "(" : " UNION ALL (") + source_select(*child, schema, prefix) + ")";
      }
      return select;
    }
    case Source::Kind::kSplitRows:
    case Source::Kind::kGather: return source_select(*source.children.front(), schema, prefix);
    case Source::Kind::kRepeat:
      return "SELECT r.* FROM (" + source_select(*source.children.front(), schema, prefix) + ") AS r, range(" +
             std::to_string(source.count) + ")";
  }
  return {};
}

std::string stage_statements(const Stage& stage, const std::string& prefix) {
  std::vector<std::pair<std::string, std::string>> relations;
  const std::string views = relation_list(stage, prefix, relations);
  const std::string table = "CREATE OR REPLACE TEMP TABLE " + prefix + std::to_string(stage.id) + " AS\n";
  const std::string& query = stage.rows_query.empty() ? stage.query : stage.rows_query;
  if (stage.setup.empty()) return table + with_relations(query, relations) + ";\n";
  std::string text = views;
  for (const std::string& statement : stage.setup) text += statement + "\n;\n";
  return text + table + query + "\n;\n";
}

}  // namespace millpond
