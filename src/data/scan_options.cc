#include "data/scan_options.h"

#include <utility>

#include "base/json_values.h"

namespace millpond {

std::string_view file_format_name(FileFormat format) {
  switch (format) {
    case FileFormat::kParquet:
      return "parquet";
    case FileFormat::kCsv:
      return "csv";
    case FileFormat::kJson:
      return "json";
  }
  return "parquet";
}

Result<FileFormat> file_format_from_name(std::string_view name) {
  for (const FileFormat format : {FileFormat::kParquet, FileFormat::kCsv, FileFormat::kJson}) {
    if (file_format_name(format) == name) return format;
  }
  return Status::invalid_argument("unknown file format \"" + std::string(name) + "\"",
                                  "The formats are \"parquet\", \"csv\" and \"json\".");
}

Json scan_options_to_json(const ScanOptions& options) {
  Json json = Json::object({
      {"format", file_format_name(options.format)},
      {"union_by_name", options.union_by_name},
      {"hive_columns", schema_to_json(options.hive_columns)},
      {"filename", options.filename},
      {"file_row_number", options.file_row_number},
      {"reader_options", string_map_to_json(options.reader_options)},
  });
  return json;
}

Result<ScanOptions> scan_options_from_json(const Json& json) {
  ScanOptions options;
  MILLPOND_ASSIGN_OR_RETURN(const std::string format, json.get_string("format"));
  MILLPOND_ASSIGN_OR_RETURN(options.format, file_format_from_name(format));
  MILLPOND_ASSIGN_OR_RETURN(options.union_by_name, json.get_bool("union_by_name"));
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* hive_columns, json.get_array("hive_columns"));
  MILLPOND_ASSIGN_OR_RETURN(options.hive_columns, schema_from_json(Json(*hive_columns)));
  MILLPOND_ASSIGN_OR_RETURN(options.filename, json.get_bool("filename"));
  MILLPOND_ASSIGN_OR_RETURN(options.file_row_number, json.get_bool("file_row_number"));
  MILLPOND_ASSIGN_OR_RETURN(const Json* reader_options, json.get_object("reader_options"));
  MILLPOND_ASSIGN_OR_RETURN(options.reader_options, string_map_from_json(*reader_options));
  return options;
}

}  // namespace millpond
