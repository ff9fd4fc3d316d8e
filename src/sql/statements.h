#pragma once

#include <memory>
#include <string>
#include <vector>

#include "duckdb/main/connection.hpp"
#include "duckdb/parser/sql_statement.hpp"
#include "millpond/result.h"

namespace millpond {

/// A parsed statement with its own text, without the semicolon and what surrounds it.
struct ParsedStatement {
  std::string text;
  std::size_t start = 0;  ///< Of the text in what was parsed: what positions in the statement count from.
  duckdb::unique_ptr<duckdb::SQLStatement> statement;
};

/// The statements of a script by DuckDB's own parser. kInvalidArgument with the place when it does not parse.
Result<std::vector<ParsedStatement>> parse_statements(duckdb::Connection& connection, const std::string& text);

/// The only statement of `text`, which must be a SELECT in one of its forms (SELECT, WITH, FROM, VALUES, TABLE, PIVOT
/// with values, DESCRIBE, SUMMARIZE). Anything else is kInvalidArgument and called by its name.
Result<ParsedStatement> parse_select(duckdb::Connection& connection, const std::string& text);

/// The same for what is parsed already.
Result<ParsedStatement> only_select(std::vector<ParsedStatement> statements);

/// The SELECTs of a query with PIVOTs that don't list their values: one for the values of each, then the query itself. Empty
/// for any other statement. They live as long as it.
std::vector<duckdb::SQLStatement*> select_parts(duckdb::SQLStatement& statement);

/// One statement of our own making, ready to be bound or run. Errors about it keep their positions (to_status shows the
/// place); DuckDB would else print the whole statement, which the user never wrote.
duckdb::unique_ptr<duckdb::SQLStatement> parse_own(duckdb::Connection& connection, const std::string& sql);

/// "CREATE", "INSERT": a statement's name for messages.
std::string statement_name(const duckdb::SQLStatement& statement);

}  // namespace millpond
