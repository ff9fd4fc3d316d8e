#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "duckdb/main/connection.hpp"
#include "millpond/arrow.h"
#include "millpond/result.h"
#include "millpond/schema.h"
#include "sql/errors.h"

namespace millpond {

/// How rows are given away.
struct ExportOptions {
  std::int64_t batch_rows = 122880;
  const std::atomic<bool>* cancel = nullptr;  ///< Looked at while rows are waited for; must outlive the stream.
  std::shared_ptr<Status> failure;            ///< Receives why pulling failed: the stream itself can only tell a text.
  std::function<Status(const Status&)> explain;  ///< Makes of DuckDB's error what the caller wants to be told.
};

/// Runs `statement` on `connection` and gives its rows as Arrow batches, pulled lazily: work is done while batches are
/// asked for. The stream owns the connection and whatever `keep_alive` holds. Column names are made unique. Types without
/// an Arrow equal carry DuckDB's own extension metadata, so that nothing is lost.
Result<ArrowStream> export_rows(std::unique_ptr<duckdb::Connection> connection, const std::string& statement,
                                QueryText text, std::shared_ptr<void> keep_alive, ExportOptions options = {});

/// A column's type in DuckDB's SQL, as a schema holds it.
std::string type_to_sql(const duckdb::LogicalType& type);

/// The columns of a result, names made unique as DuckDB does for a table.
Schema schema_of(const duckdb::vector<duckdb::Identifier>& names, const duckdb::vector<duckdb::LogicalType>& types);

}  // namespace millpond
