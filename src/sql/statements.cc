#include "sql/statements.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "duckdb/main/client_context.hpp"
#include "duckdb/main/statement_iterator.hpp"
#include "duckdb/parser/parser.hpp"
#include "sql/errors.h"

namespace millpond {
namespace {

// A statement's text without its semicolon, and what comments follow it.
std::string up_to_semicolon(std::string text) {
  const bool has_semicolon = text.find(';') != std::string::npos;  // Or there is no need to take it apart.
  const auto tokens = has_semicolon ? duckdb::Parser::Tokenize(text) : decltype(duckdb::Parser::Tokenize(text)){};
  for (const duckdb::SimplifiedToken& token : tokens) {
    if (token.type == duckdb::SimplifiedTokenType::SIMPLIFIED_TOKEN_OPERATOR && text[token.start] == ';') {
      text.resize(token.start);
      break;
    }
  }
  const auto is_space = [](unsigned char c) { return std::isspace(c) != 0; };
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  text.erase(std::find_if_not(text.rbegin(), text.rend(), is_space).base(), text.end());
  return text;
}

}  // namespace

std::string statement_name(const duckdb::SQLStatement& statement) {
  std::string name = duckdb::StatementTypeToString(statement.type);
  for (const char* suffix : {"_STATEMENT"}) {
    const std::size_t found = name.find(suffix);
    if (found != std::string::npos) name.resize(found);
  }
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

duckdb::unique_ptr<duckdb::SQLStatement> parse_own(duckdb::Connection& connection, const std::string& sql) {
  auto iterator = connection.context->IterateStatements(sql);
  auto statement = iterator.GetStatement();
  if (statement == nullptr) throw duckdb::InternalException("a statement is empty");
  statement->query.clear();
  return statement;
}

Result<std::vector<ParsedStatement>> parse_statements(duckdb::Connection& connection, const std::string& text) {
  return without_exceptions(QueryText{text, 0}, [&]() -> Result<std::vector<ParsedStatement>> {
    std::vector<ParsedStatement> parsed;
    auto iterator = connection.context->IterateStatements(text);
    while (auto statement = iterator.GetStatement()) {
      std::string own = up_to_semicolon(statement->query);
      statement->query.clear();
      const std::size_t start = text.find(own);
      parsed.push_back({std::move(own), start, std::move(statement)});
    }
    return parsed;
  });
}

Result<ParsedStatement> parse_select(duckdb::Connection& connection, const std::string& text) {
  MILLPOND_ASSIGN_OR_RETURN(std::vector<ParsedStatement> statements, parse_statements(connection, text));
  return only_select(std::move(statements));
}

Result<ParsedStatement> only_select(std::vector<ParsedStatement> statements) {
  if (statements.empty()) return Status::invalid_argument("the query is empty");
  if (statements.size() > 1) {
    return Status::invalid_argument("the query holds " + std::to_string(statements.size()) + " statements",
                                    "Give one SELECT; statements to run before it are given apart.");
  }
  if (statements[0].statement->type == duckdb::StatementType::MULTI_STATEMENT) {
    return Status::invalid_argument("PIVOT does not say its values",
                                    "Write them: PIVOT … ON column IN (value, value, …) USING … Only sql() looks them up.");
  }
  if (statements[0].statement->type != duckdb::StatementType::SELECT_STATEMENT) {
    return Status::invalid_argument(statement_name(*statements[0].statement) + " is not a query",
                                    "Only statements that give rows can stand here: SELECT, WITH, FROM, VALUES, PIVOT.");
  }
  return std::move(statements[0]);
}

}  // namespace millpond
