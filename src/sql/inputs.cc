#include "sql/inputs.h"

#include <utility>

#include "base/quote.h"
#include "sql/file_scan.h"

namespace millpond {
namespace {

std::string cast_list(const Schema& schema) {
  std::string list;
  for (const Column& column : schema) {
    if (!list.empty()) list += ", ";
    list += "CAST(" + quote_identifier(column.name) + " AS " + column.type + ") AS " + quote_identifier(column.name);
  }
  return list;
}

std::string no_rows(const Schema& schema) {
  std::string list;
  for (const Column& column : schema) {
    if (!list.empty()) list += ", ";
    list += "CAST(NULL AS " + column.type + ") AS " + quote_identifier(column.name);
  }
  return "SELECT " + list + " WHERE false";
}

}  // namespace

Result<std::string> input_select(const TaskInput& input, ExchangeReading reading) {
  if (input.schema.empty()) return Status::internal("input \"" + input.name + "\" has no columns");
  if (input.slices.empty()) return no_rows(input.schema);
  std::vector<FileSlice> files;
  std::vector<SegmentSlice> segments;
  for (const Slice& slice : input.slices) {
    if (const auto* file = std::get_if<FileSlice>(&slice)) {
      files.push_back(*file);
    } else {
      segments.push_back(std::get<SegmentSlice>(slice));
    }
  }
  if (!files.empty() && !segments.empty()) {
    return Status::internal("input \"" + input.name + "\" mixes files and exchange segments");
  }
  if (!segments.empty()) return "FROM " + exchange_scan_sql(segments, input.schema, reading);
  if (!input.scan.has_value()) return Status::internal("input \"" + input.name + "\" has files but no reader options");
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<std::string> scans, file_scans(files, *input.scan, input.schema));
  std::string sql;
  for (const std::string& scan : scans) {
    if (!sql.empty()) sql += " UNION ALL ";
    sql += "SELECT " + cast_list(input.schema) + " FROM " + scan;
  }
  return sql;
}

std::string with_relations(const std::string& query, const std::vector<std::pair<std::string, std::string>>& relations,
                           std::size_t* prefix) {
  std::string sql;
  for (const auto& [name, select] : relations) {
    sql += sql.empty() ? "WITH " : ",\n     ";
    sql += quote_identifier(name) + " AS NOT MATERIALIZED (" + select + ")";
  }
  if (!sql.empty()) sql += "\n";
  sql += "FROM (\n";
  if (prefix != nullptr) *prefix = sql.size();
  return sql + query + "\n)";
}

Result<std::string> with_inputs(const std::string& query, const std::vector<TaskInput>& inputs, std::size_t* prefix) {
  std::vector<std::pair<std::string, std::string>> relations;
  relations.reserve(inputs.size());
  for (const TaskInput& input : inputs) {
    MILLPOND_ASSIGN_OR_RETURN(std::string select, input_select(input));
    relations.emplace_back(input.name, std::move(select));
  }
  return with_relations(query, relations, prefix);
}

}  // namespace millpond
