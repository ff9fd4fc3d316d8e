#include "sql/statements.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "sql/errors.h"

namespace millpond {
namespace {

std::string trimmed(std::string text) {
  const auto is_outer = [](unsigned char c) { return std::isspace(c) != 0 || c == ';'; };
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_outer));
  text.erase(std::find_if_not(text.rbegin(), text.rend(), is_outer).base(), text.end());
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

Result<std::vector<ParsedStatement>> parse_statements(duckdb::Connection& connection, const std::string& text) {
  return without_exceptions(QueryText{text, 0}, [&]() -> Result<std::vector<ParsedStatement>> {
    std::vector<ParsedStatement> parsed;
    for (auto& statement : connection.ExtractStatements(text)) {
      const std::size_t begin = std::min<std::size_t>(statement->stmt_location.offset, text.size());
      const std::size_t length = statement->stmt_location.length;
      std::string own = trimmed(text.substr(begin, length == 0 ? std::string::npos : length));
      parsed.push_back({std::move(own), std::unique_ptr<duckdb::SQLStatement>(statement.release())});
    }
    return parsed;
  });
}

Result<ParsedStatement> parse_select(duckdb::Connection& connection, const std::string& text) {
  MILLPOND_ASSIGN_OR_RETURN(std::vector<ParsedStatement> statements, parse_statements(connection, text));
  if (statements.empty()) return Status::invalid_argument("the query is empty");
  if (statements.size() > 1) {
    return Status::invalid_argument("the query holds " + std::to_string(statements.size()) + " statements",
                                    "Give one SELECT; statements to run before it are given apart.");
  }
  if (statements[0].statement->type == duckdb::StatementType::MULTI_STATEMENT) {
    return Status::invalid_argument("PIVOT does not say its values",
                                    "Write them: PIVOT … ON column IN (value, value, …) USING …");
  }
  if (statements[0].statement->type != duckdb::StatementType::SELECT_STATEMENT) {
    return Status::invalid_argument(statement_name(*statements[0].statement) + " is not a query",
                                    "Only statements that give rows can stand here: SELECT, WITH, FROM, VALUES, PIVOT.");
  }
  return std::move(statements[0]);
}

}  // namespace millpond
