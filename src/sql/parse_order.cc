#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/parser/parser.hpp"
#include "duckdb/parser/result_modifier.hpp"
#include "sql/engine.h"
#include "sql/engine_impl.h"
#include "sql/errors.h"

namespace millpond {
namespace {

bool has_collation(const duckdb::ParsedExpression& expression) {
  bool found = expression.GetExpressionClass() == duckdb::ExpressionClass::COLLATE;
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      expression, [&](const duckdb::ParsedExpression& child) { found = found || has_collation(child); });
  return found;
}

OrderTerm term_of(const duckdb::OrderByNode& node) {
  OrderTerm term;
  term.expression = node.expression->ToString();
  if (node.expression->GetExpressionClass() == duckdb::ExpressionClass::COLUMN_REF) {
    const auto& column = node.expression->Cast<duckdb::ColumnRefExpression>();
    if (!column.IsQualified()) term.column = column.GetColumnName().GetIdentifierName();
  }
  term.order = node.type == duckdb::OrderType::DESCENDING ? "DESC" : "ASC";
  term.order += node.null_order == duckdb::OrderByNullType::NULLS_FIRST ? " NULLS FIRST" : " NULLS LAST";
  return term;
}

}  // namespace

Result<std::vector<OrderTerm>> Engine::parse_order(const std::string& list) {
  return without_exceptions([&]() -> Result<std::vector<OrderTerm>> {
    duckdb::Connection connection(*impl_->database());
    duckdb::Parser parser(*connection.context);
    std::vector<OrderTerm> terms;
    for (const duckdb::OrderByNode& node : parser.ParseOrderList(list)) {
      if (has_collation(*node.expression)) {
        return Status::invalid_argument("an order of partitions takes no COLLATE: " + list,
                                        "use what the collation compares, such as lower(name)");
      }
      terms.push_back(term_of(node));
    }
    return terms;
  });
}

}  // namespace millpond
