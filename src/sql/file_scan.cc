#include "sql/file_scan.h"

#include <utility>

#include "base/quote.h"
#include "duckdb/common/string_util.hpp"
#include "sql/file_literals.h"
#include "sql/lines_path.h"
#include "storage/hive_path.h"

namespace millpond {
namespace {

std::string column_types(const Schema& columns) {
  std::vector<std::pair<std::string, std::string>> members;
  members.reserve(columns.size());
  for (const Column& column : columns) members.emplace_back(column.name, column.type);
  return quote_struct(members);
}

bool is_pinned(const ScanOptions& options, const char* name) { return options.reader_options.count(name) > 0; }

// Options of the format's own reader. CSV columns are found by place, so their names and types come from the schema and
// nothing is sniffed; with union_by_name they are found by name in each file and come as text.
std::string format_options(const ScanOptions& options, const Schema& physical) {
  std::string sql;
  for (const auto& [name, literal] : options.reader_options) sql += ", " + name + " = " + literal;
  if (options.format == FileFormat::kParquet) return sql;
  if (options.format == FileFormat::kJson) {
    if (!is_pinned(options, "format")) sql += ", format = 'auto'";
    return sql + ", columns = " + column_types(physical);
  }
  if (options.union_by_name) return sql + ", all_varchar = true";
  if (!is_pinned(options, "auto_detect")) sql += ", auto_detect = false";
  return sql + ", columns = " + column_types(physical);
}

// The keys of a path's folders that are spelled otherwise there: (as in the path, decoded).
std::vector<std::pair<std::string, std::string>> encoded_keys(const std::string& path) {
  std::vector<std::pair<std::string, std::string>> keys;
  std::size_t begin = 0;
  for (std::size_t end = path.find('/'); end != std::string::npos; begin = end + 1, end = path.find('/', begin)) {
    const std::string folder = path.substr(begin, end - begin);
    if (!is_hive_folder(folder)) continue;
    std::string key = folder.substr(0, folder.find('='));
    Result<std::string> name = decode_hive_value(key);
    if (name.is_ok() && *name != key) keys.emplace_back(std::move(key), std::move(*name));
  }
  return keys;
}

std::string hive_options(const ScanOptions& options, const std::vector<std::pair<std::string, std::string>>& encoded) {
  if (options.hive_columns.empty()) return ", hive_partitioning = false";
  if (options.hive_columns.front().type.empty()) return ", hive_partitioning = true";  // Types are being found out.
  Schema columns = options.hive_columns;
  for (Column& column : columns) {
    for (const auto& [key, name] : encoded) {
      if (same_column_name(column.name, name)) column.name = key;
    }
  }
  return ", hive_partitioning = true, hive_types_autocast = false, hive_types = " + column_types(columns);
}

// Columns that none of these files has, as the data set as a whole has them: NULL. Without this a task that reads only
// some of the files would not know them.
std::string with_missing_columns(const std::string& call, const Schema& schema) {
  std::string nulls;
  for (const Column& column : schema) {
    if (!nulls.empty()) nulls += ", ";
    nulls += "CAST(NULL AS " + column.type + ") AS " + quote_identifier(column.name);
  }
  return "(FROM " + call + " UNION ALL BY NAME SELECT " + nulls + " WHERE false)";
}

std::string scan_of(const std::vector<std::string>& paths, const ScanOptions& options, const Schema& schema) {
  const std::string call = reader_call(paths, options, physical_columns(schema, options));
  return options.union_by_name && options.format != FileFormat::kJson ? with_missing_columns(call, schema) : call;
}

}  // namespace

bool is_compressed(const std::string& path, const std::map<std::string, std::string>& options) {
  const std::string name = duckdb::StringUtil::Lower(path);  // As DuckDB looks at it.
  return options.contains("compression") || name.ends_with(".gz") || name.ends_with(".zst");
}

Schema physical_columns(const Schema& schema, const ScanOptions& options) {
  Schema physical;
  for (const Column& column : schema) {
    if (find_column(options.hive_columns, column.name) >= 0) continue;
    if (options.filename && same_column_name(column.name, "filename")) continue;
    if (options.file_row_number && same_column_name(column.name, "file_row_number")) continue;
    physical.push_back(column);
  }
  return physical;
}

std::string reader_call(const std::vector<std::string>& paths, const ScanOptions& options, const Schema& physical) {
  return reader_call(quote_files(paths), paths, options, physical);
}

std::string reader_call(const std::string& list, const std::vector<std::string>& paths, const ScanOptions& options,
                        const Schema& physical) {
  std::string sql = "read_" + std::string(file_format_name(options.format)) + "(" + list;
  sql += hive_options(options, paths.empty() ? decltype(encoded_keys("")){} : encoded_keys(paths.front()));
  if (options.union_by_name && options.format != FileFormat::kJson) sql += ", union_by_name = true";
  if (options.filename) sql += ", filename = true";
  if (options.file_row_number) sql += ", file_row_number = true";
  return with_decoded_keys(sql + format_options(options, physical) + ")", paths, options);
}

std::string with_decoded_keys(const std::string& call, const std::vector<std::string>& paths, const ScanOptions& options) {
  if (options.hive_columns.empty() || paths.empty()) return call;
  std::string renamed;
  for (const auto& [key, name] : encoded_keys(paths.front())) {
    renamed += (renamed.empty() ? "" : ", ") + quote_identifier(key) + " AS " + quote_identifier(name);
  }
  return renamed.empty() ? call : "(SELECT * RENAME (" + renamed + ") FROM " + call + ")";
}

Result<std::vector<std::string>> file_scans(const std::vector<FileSlice>& files, const ScanOptions& options,
                                            const Schema& schema) {
  ScanOptions numbered = options;
  numbered.file_row_number = true;
  std::vector<std::string> scans;
  ScanOptions by_lines = options;
  by_lines.reader_options["format"] = "'newline_delimited'";
  std::vector<std::string> whole;
  std::vector<std::string> some_lines;
  const auto end_run = [&] {
    if (!whole.empty()) scans.push_back(scan_of(std::exchange(whole, {}), options, schema));
    if (!some_lines.empty()) scans.push_back(scan_of(std::exchange(some_lines, {}), by_lines, schema));
  };
  for (const FileSlice& file : files) {
    if (file.lines) {
      if (!whole.empty()) end_run();
      some_lines.push_back(to_text(LinesPath{file.path, *file.lines}));
      continue;
    }
    if (!some_lines.empty()) end_run();
    const bool is_whole = !file.rows.has_value() || (file.rows->begin == 0 && file.rows->end == file.num_rows);
    if (is_whole) {
      whole.push_back(file.path);
      continue;
    }
    if (file.rows->begin < 0 || file.rows->end < file.rows->begin) {
      return Status::internal("rows " + std::to_string(file.rows->begin) + " to " + std::to_string(file.rows->end) +
                              " of " + file.path + " are no range");
    }
    end_run();
    scans.push_back(scan_of({file.path}, numbered, schema) + " WHERE file_row_number BETWEEN " +
                    std::to_string(file.rows->begin) + " AND " + std::to_string(file.rows->end - 1));
  }
  end_run();
  return scans;
}

}  // namespace millpond
