#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "duckdb/main/connection.hpp"
#include "millpond/result.h"
#include "sql/errors.h"

namespace millpond {

/// The most that the DuckDB instance held while a statement ran; other statements of the instance count too.
struct InstanceUse {
  std::int64_t peak_memory_bytes = 0;
  std::int64_t spill_bytes = 0;  ///< In temporary files.
};

/// Runs one statement to its end on the caller's thread and DuckDB's own. Between pieces of work `cancel` is looked at (at
/// least every 20 ms); when it is set the statement is interrupted and the result is kCancelled.
Result<duckdb::unique_ptr<duckdb::QueryResult>> run_statement(duckdb::Connection& connection, const std::string& statement,
                                                              const QueryText& text, const std::atomic<bool>& cancel,
                                                              InstanceUse* use = nullptr);

}  // namespace millpond
