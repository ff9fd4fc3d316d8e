#pragma once

#include <string>
#include <vector>

#include "duckdb/main/connection.hpp"
#include "duckdb/parser/sql_statement.hpp"
#include "sql/arrow_export.h"
#include "sql/engine.h"
#include "sql/errors.h"
#include "sql/statements.h"

namespace millpond {

/// A user's query over relations without rows, parsed and ready to be bound.
struct BoundQuery {
  duckdb::unique_ptr<duckdb::SQLStatement> statement;
  QueryText text;
};

/// Runs the setup statements on `connection` and puts the inputs, as millpond_input relations, around the query.
/// kInvalidArgument when it is no single SELECT.
Result<BoundQuery> prepare_bound_query(duckdb::Connection& connection, const std::string& query,
                                       const std::vector<BoundInput>& inputs, const std::vector<std::string>& setup);

/// The same for a query that is parsed already.
Result<BoundQuery> prepare_parsed_query(duckdb::Connection& connection, ParsedStatement select,
                                        const std::vector<BoundInput>& inputs, const std::vector<std::string>& setup);

/// The same with the inputs as views of the connection, for queries whose optimized plan counts: whether DuckDB computes a
/// CTE of the user's once goes by how many tables it reads, and the CTEs that stand around a query otherwise aren't tables.
/// About 0.2 ms an input.
Result<BoundQuery> prepare_planned_query(duckdb::Connection& connection, const std::string& query,
                                         const std::vector<BoundInput>& inputs);

}  // namespace millpond
