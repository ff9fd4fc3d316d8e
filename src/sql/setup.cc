#include "sql/setup.h"

#include "base/quote.h"
#include "duckdb/parser/parsed_data/create_info.hpp"
#include "duckdb/parser/statement/create_statement.hpp"
#include "duckdb/parser/statement/set_statement.hpp"
#include "sql/errors.h"
#include "sql/statements.h"

namespace millpond {
namespace {

Status run(duckdb::Connection& connection, duckdb::unique_ptr<duckdb::SQLStatement> statement, const QueryText& text) {
  return without_exceptions(text, [&]() -> Status {
    const auto result = connection.Query(std::move(statement));
    return result->HasError() ? to_status(result->GetErrorObject(), text) : Status::ok();
  });
}

// A table in the shared database would be seen by other tasks, so everything made here belongs to the connection.
Status make_temporary(duckdb::SQLStatement& statement) {
  auto& info = *statement.Cast<duckdb::CreateStatement>().info;
  switch (info.type) {
    case duckdb::CatalogType::TABLE_ENTRY:
    case duckdb::CatalogType::VIEW_ENTRY:
    case duckdb::CatalogType::MACRO_ENTRY:
    case duckdb::CatalogType::TABLE_MACRO_ENTRY:
    case duckdb::CatalogType::TYPE_ENTRY:
      break;
    default:
      return Status::invalid_argument("CREATE " + duckdb::CatalogTypeToString(info.type) + " can't stand before a query",
                                      "Tables, views, macros and types can.");
  }
  info.temporary = true;
  return Status::ok();
}

Status check(duckdb::SQLStatement& statement) {
  switch (statement.type) {
    case duckdb::StatementType::CREATE_STATEMENT:
      return make_temporary(statement);
    case duckdb::StatementType::SELECT_STATEMENT:
    case duckdb::StatementType::INSERT_STATEMENT:
    case duckdb::StatementType::UPDATE_STATEMENT:
    case duckdb::StatementType::DELETE_STATEMENT:
    case duckdb::StatementType::DROP_STATEMENT:
    case duckdb::StatementType::VARIABLE_SET_STATEMENT:
    case duckdb::StatementType::SET_STATEMENT:
      return Status::ok();
    default:
      return Status::invalid_argument(statement_name(statement) + " can't stand before a query",
                                      "CREATE, INSERT, UPDATE, DELETE, DROP, SELECT and SET can.");
  }
}

Status run_statement(duckdb::Connection& connection, const std::string& sql) {
  MILLPOND_ASSIGN_OR_RETURN(std::vector<ParsedStatement> parsed, parse_statements(connection, sql));
  for (ParsedStatement& statement : parsed) {
    MILLPOND_RETURN_IF_ERROR(check(*statement.statement));
    MILLPOND_RETURN_IF_ERROR(run(connection, std::move(statement.statement), QueryText{sql, 0}));
  }
  return Status::ok();
}

}  // namespace

Status run_setup(duckdb::Connection& connection, const std::vector<std::string>& statements,
                 const std::vector<std::pair<std::string, std::string>>& relations) {
  if (statements.empty()) return Status::ok();
  for (const auto& [name, select] : relations) {
    MILLPOND_RETURN_IF_ERROR(run_statement(connection, "CREATE TEMP VIEW " + quote_identifier(name) + " AS " + select));
  }
  for (const std::string& statement : statements) MILLPOND_RETURN_IF_ERROR(run_statement(connection, statement));
  return Status::ok();
}

}  // namespace millpond
