// PIVOT without a list of values. DuckDB's parser makes a CREATE TYPE … AS ENUM (SELECT …) of each, and a SELECT that names
// the types; here the values stand in their places.

#include "base/quote.h"
#include "duckdb/common/string_util.hpp"
#include "duckdb/parser/parser.hpp"
#include "duckdb/parser/parsed_data/create_type_info.hpp"
#include "duckdb/parser/statement/create_statement.hpp"
#include "duckdb/parser/statement/multi_statement.hpp"
#include "sql/errors.h"
#include "sql/fill_pivots.h"
#include "sql/statements.h"

namespace millpond {
namespace {

using Parts = duckdb::vector<duckdb::unique_ptr<duckdb::SQLStatement>>;

duckdb::CreateTypeInfo& type_of(duckdb::SQLStatement& part) {
  return part.Cast<duckdb::CreateStatement>().info->Cast<duckdb::CreateTypeInfo>();
}

bool makes_type(duckdb::SQLStatement& part) {
  if (part.type != duckdb::StatementType::CREATE_STATEMENT) return false;
  auto& info = *part.Cast<duckdb::CreateStatement>().info;
  return info.type == duckdb::CatalogType::TYPE_ENTRY && info.Cast<duckdb::CreateTypeInfo>().query != nullptr;
}

/// The types of a query with such PIVOTs and its SELECT; null for any other statement.
Parts* pivot_parts(duckdb::SQLStatement& statement) {
  if (statement.type != duckdb::StatementType::MULTI_STATEMENT) return nullptr;
  Parts& parts = statement.Cast<duckdb::MultiStatement>().statements;
  if (parts.empty() || parts.back()->type != duckdb::StatementType::SELECT_STATEMENT) return nullptr;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    if (!makes_type(*parts[i])) return nullptr;
  }
  return &parts;
}

}  // namespace

std::vector<duckdb::SQLStatement*> select_parts(duckdb::SQLStatement& statement) {
  std::vector<duckdb::SQLStatement*> selects;
  if (Parts* parts = pivot_parts(statement)) {
    for (std::size_t i = 0; i + 1 < parts->size(); ++i) selects.push_back(type_of(*(*parts)[i]).query.get());
    selects.push_back(parts->back().get());
  }
  return selects;
}

Result<PivotQuery> fill_pivots(const std::string& query, const std::vector<std::vector<std::string>>& values) {
  // Most queries have none, and need not be read for it.
  if (!duckdb::StringUtil::Contains(duckdb::StringUtil::Lower(query), "pivot")) return PivotQuery{query, false};
  return without_exceptions(QueryText{query, 0}, [&]() -> Result<PivotQuery> {
    duckdb::Parser parser(duckdb::ParserOptions::Builtin());
    parser.ParseQuery(query);
    Parts* parts = parser.statements.size() == 1 ? pivot_parts(*parser.statements.front()) : nullptr;
    if (parts == nullptr) return PivotQuery{query, false};
    const bool asks = values.size() + 1 < parts->size();
    std::string text = asks ? type_of(*(*parts)[values.size()]).query->ToString() : parts->back()->ToString();
    for (std::size_t i = 0; i + 1 < parts->size() && i < values.size(); ++i) {
      // A name that was made up at random, so it stands nowhere else.
      const std::string name = quote_identifier(type_of(*(*parts)[i]).GetQualifiedName().Name().GetIdentifierName());
      std::string list;
      for (const std::string& value : values[i]) list += (list.empty() ? "(" : ", ") + quote_literal(value);
      text = duckdb::StringUtil::Replace(text, name, list + ")");
    }
    return PivotQuery{std::move(text), asks};
  });
}

}  // namespace millpond
