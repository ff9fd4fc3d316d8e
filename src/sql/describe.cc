#include "sql/describe.h"

#include <utility>

#include "duckdb/main/client_context.hpp"
#include "sql/arrow_export.h"
#include "sql/engine_impl.h"
#include "sql/errors.h"
#include "sql/file_scan.h"
#include "sql/pinned_inputs.h"
#include "sql/statements.h"

namespace millpond {

Result<ValueRows> query_values(duckdb::Connection& connection, const std::string& statement) {
  return without_exceptions([&]() -> Result<ValueRows> {
    const auto result = connection.Query(parse_own(connection, statement));
    if (result->HasError()) return to_status(result->GetErrorObject());
    ValueRows rows;
    while (const auto chunk = result->Fetch()) {
      for (duckdb::idx_t row = 0; row < chunk->size(); ++row) {
        std::vector<duckdb::Value> values;
        for (duckdb::idx_t column = 0; column < chunk->ColumnCount(); ++column) {
          values.push_back(chunk->GetValue(column, row));
        }
        rows.push_back(std::move(values));
      }
    }
    return rows;
  });
}

Result<Schema> bind_columns(duckdb::Connection& connection, const std::string& select) {
  return without_exceptions([&]() -> Result<Schema> {
    const auto signature = connection.context->BindStatement(parse_own(connection, select));
    return schema_of(signature.names, signature.types);
  });
}

Status pin_hive_types(ScanOptions& options, const Schema& schema) {
  for (Column& column : options.hive_columns) {
    const int found = find_column(schema, column.name);
    if (found < 0) return Status::internal("DuckDB does not see the folder column \"" + column.name + "\"");
    column = schema[static_cast<std::size_t>(found)];
  }
  return Status::ok();
}

Result<Engine::FileSet> with_declared_columns(duckdb::Connection& connection, Engine::FileSet set, const Schema& columns) {
  if (!set.options.hive_columns.empty()) {
    // The types of folder columns come from all their values.
    const std::string open = reader_call(paths_of(set.files), set.options, columns);
    MILLPOND_ASSIGN_OR_RETURN(const Schema hive, bind_columns(connection, "FROM " + open));
    MILLPOND_RETURN_IF_ERROR(pin_hive_types(set.options, hive));
  }
  const std::string reader = reader_call(paths_of(set.files), set.options, columns);
  MILLPOND_ASSIGN_OR_RETURN(set.schema, bind_columns(connection, "FROM " + reader));
  return set;
}

std::vector<std::string> paths_of(const std::vector<FileSlice>& files) {
  std::vector<std::string> paths;
  paths.reserve(files.size());
  for (const FileSlice& file : files) paths.push_back(file.path);
  return paths;
}

Status in_file(const Status& status, const std::string& path) {
  ErrorContext context;
  context.file = path;
  return status.with_context(context);
}

Status files_differ(const std::string& first, const std::string& other, const std::string& how) {
  return Status::invalid_argument("the files have different columns: " + how + "\n  " + first + "\n  " + other,
                                  "Pass union_by_name=True to match columns by name, or read the files apart.");
}

Result<Engine::FileSet> Engine::describe(std::vector<FileSlice> files, ScanOptions options, const Schema& declared) {
  if (files.empty()) return Status::invalid_argument("there are no files to look into");
  return without_exceptions([&]() -> Result<FileSet> {
    duckdb::Connection connection(*impl_->database());
    PinnedInputs::hold(connection, files);
    const FileFormat format = options.format;
    FileSet set{{}, std::move(options), std::move(files)};
    switch (format) {
      case FileFormat::kParquet:
        return describe_parquet(connection, *impl_->files, std::move(set));
      case FileFormat::kCsv:
        return describe_csv(connection, *impl_->files, std::move(set), declared);
      case FileFormat::kJson:
        return describe_json(connection, std::move(set), declared);
    }
    return Status::internal("a file format without a name");
  });
}

}  // namespace millpond
