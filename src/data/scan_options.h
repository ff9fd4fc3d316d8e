#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/schema.h"

namespace millpond {

enum class FileFormat { kParquet, kCsv, kJson };

/// "parquet", "csv", "json".
std::string_view file_format_name(FileFormat format);
Result<FileFormat> file_format_from_name(std::string_view name);

/// How files of one data set are read, pinned at planning so that every task reads them alike.
struct ScanOptions {
  FileFormat format = FileFormat::kParquet;
  /// Whether columns are matched by name, missing ones being NULL; otherwise each file must have the same columns.
  bool union_by_name = false;
  /// Hive partition columns with their pinned types; empty when there are none.
  std::vector<Column> hive_columns;
  /// Whether the virtual columns are part of the schema.
  bool filename = false;
  bool file_row_number = false;
  /// Reader options of DuckDB beyond these, as pinned SQL literals: {"delim": "','", "header": "true"}.
  std::map<std::string, std::string> reader_options;

  bool operator==(const ScanOptions&) const = default;
};

Json scan_options_to_json(const ScanOptions& options);
Result<ScanOptions> scan_options_from_json(const Json& json);

}  // namespace millpond
