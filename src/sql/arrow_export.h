#pragma once

#include <functional>
#include <memory>
#include <string>

#include "duckdb/main/connection.hpp"
#include "millpond/arrow.h"
#include "millpond/result.h"
#include "millpond/schema.h"
#include "sql/errors.h"

namespace millpond {

/// Runs `statement` on `connection` and gives its rows as Arrow batches of up to `batch_rows`, pulled lazily: work is done
/// while batches are asked for. The stream owns the connection and whatever else `keep_alive` holds. Column names are made
/// unique. Types without an Arrow equal carry DuckDB's own extension metadata, so that nothing is lost.
Result<ArrowStream> export_rows(std::unique_ptr<duckdb::Connection> connection, const std::string& statement,
                                QueryText text, std::shared_ptr<void> keep_alive, std::int64_t batch_rows = 122880);

/// A column's type in DuckDB's SQL, as a schema holds it.
std::string type_to_sql(const duckdb::LogicalType& type);

/// The columns of a result, names made unique as DuckDB does for a table.
Schema schema_of(const duckdb::vector<duckdb::Identifier>& names, const duckdb::vector<duckdb::LogicalType>& types);

}  // namespace millpond
