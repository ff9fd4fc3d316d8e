#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "duckdb/main/connection.hpp"
#include "millpond/result.h"
#include "sql/errors.h"

namespace millpond {

/// Runs one statement to its end on the caller's thread and DuckDB's own. Between pieces of work `cancel` is looked at (at
/// least every 20 ms); when it is set the statement is interrupted and the result is kCancelled.
Result<duckdb::unique_ptr<duckdb::QueryResult>> run_statement(duckdb::Connection& connection, const std::string& statement,
                                                              const QueryText& text, const std::atomic<bool>& cancel);

}  // namespace millpond
