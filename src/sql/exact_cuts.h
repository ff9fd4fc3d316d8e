#pragma once

#include <functional>
#include <string>
#include <vector>

#include "duckdb/main/query_result.hpp"
#include "millpond/result.h"
#include "millpond/schema.h"
#include "sql/write_files.h"
#include "task/task.h"

namespace millpond {

/// Runs one statement of a series on the same connection.
using RunSql = std::function<Result<duckdb::unique_ptr<duckdb::QueryResult>>(const std::string& statement)>;

/// Writes the rows of `query`, in their order, as files of exactly max_rows_per_file rows, the last one smaller; one empty
/// file when there are none. The rows are put into a temporary table first (spilled when memory is short), then written
/// file by file: costs a statement a file. `schema`: of the query's rows. `run_query` runs the one statement that holds `query`, `run` all others.
Result<std::vector<WrittenFile>> write_exact_cuts(const std::string& query, const Schema& schema, const WriteOptions& options,
                                                  const std::string& directory, const std::string& stem,
                                                  const RunSql& run_query, const RunSql& run);

}  // namespace millpond
