#include <utility>

#include "sql/describe.h"
#include "sql/file_literals.h"
#include "sql/file_scan.h"

namespace millpond {
namespace {

// The reader while names and types are still open. Every file may have keys of its own: they are columns of all.
std::string open_reader(const Engine::FileSet& set) {
  std::string sql = "read_json(" + quote_files(paths_of(set.files)) + ", union_by_name = true";
  sql += set.options.hive_columns.empty() ? ", hive_partitioning = false" : ", hive_partitioning = true";
  if (set.options.filename) sql += ", filename = true";
  if (set.options.file_row_number) sql += ", file_row_number = true";
  for (const auto& [name, literal] : set.options.reader_options) sql += ", " + name + " = " + literal;
  return with_decoded_keys(sql + ")", paths_of(set.files), set.options);
}

}  // namespace

Result<Engine::FileSet> describe_json(duckdb::Connection& connection, Engine::FileSet set, const Schema& declared) {
  if (!declared.empty()) return with_declared_columns(connection, std::move(set), declared);
  for (const FileSlice& file : set.files) {
    if (file.size == 0) {
      return in_file(Status::invalid_argument("the file is empty (0 bytes), so its columns can't be found",
                                              "Pass schema= with names and types."),
                     file.path);
    }
  }
  MILLPOND_ASSIGN_OR_RETURN(set.schema, bind_columns(connection, "FROM " + open_reader(set)));
  MILLPOND_RETURN_IF_ERROR(pin_hive_types(set.options, set.schema));
  return set;
}

}  // namespace millpond
