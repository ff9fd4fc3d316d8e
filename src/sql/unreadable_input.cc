#include "sql/unreadable_input.h"

#include <string>

#include "duckdb/main/connection.hpp"
#include "duckdb/main/query_result_stream.hpp"
#include "duckdb/main/valid_checker.hpp"
#include "sql/errors.h"
#include "sql/inputs.h"
#include "sql/parquet_check.h"
#include "sql/statements.h"

namespace millpond {
namespace {

bool may_come_from_a_file(const Status& failure) {
  if (!failure.context().file.empty()) return false;  // It names its file already.
  switch (failure.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kIoError:
    case StatusCode::kInternal:
      return true;
    default:
      return false;
  }
}

// Reads all rows of one slice and drops them.
Status read_through(duckdb::DuckDB& database, const TaskInput& input) {
  return without_exceptions([&]() -> Status {
    duckdb::Connection connection(database);
    MILLPOND_ASSIGN_OR_RETURN(const std::string select, input_select(input));
    auto result = connection.Submit(parse_own(connection, select));
    if (result->HasError()) return to_status(result->GetErrorObject());
    duckdb::QueryResultStream<> rows(std::move(result));
    while (rows.Fetch() != nullptr) {
    }
    return rows.HasError() ? to_status(rows.GetErrorObject()) : Status::ok();
  });
}

Status damaged(const TaskInput& input, const FileSlice& file, const Status& cause) {
  ErrorContext context;
  context.file = file.path;
  if (input.scan->format == FileFormat::kParquet) {
    context.detail = cause.message();
    return Status::data_corrupt("an input file is damaged").with_context(context);
  }
  if (file.lines && file.lines->begin > 0) {
    context.detail = "lines and bytes are counted from the first line behind byte " + std::to_string(file.lines->begin);
  }
  return Status::data_corrupt(cause.message(), cause.hint()).with_context(context);
}

}  // namespace

Status blame_unreadable_input(duckdb::DuckDB& database, FileSystem& files, const std::vector<TaskInput>& inputs,
                              const Status& failure) {
  if (!may_come_from_a_file(failure)) return failure;
  auto is_invalidated = [&] { return duckdb::ValidChecker::IsInvalidated(*database.instance); };
  for (const TaskInput& input : inputs) {
    for (const Slice& slice : input.slices) {
      const auto* file = std::get_if<FileSlice>(&slice);
      if (file == nullptr || !input.scan.has_value()) continue;
      if (input.scan->format == FileFormat::kParquet) {
        const Status ends = check_parquet_ends(files, file->path);
        if (!ends.is_ok()) return ends;
      }
      if (is_invalidated()) return failure;
      TaskInput alone = input;
      alone.slices = {*file};
      const Status read = read_through(database, alone);
      if (!read.is_ok() && is_invalidated()) return failure;
      if (!read.is_ok() && may_come_from_a_file(read)) return damaged(input, *file, read);
    }
  }
  return failure;
}

}  // namespace millpond
