#include "sql/cut/scan_filters.h"

#include <utility>

#include "duckdb/common/exception.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression/bound_conjunction_expression.hpp"
#include "duckdb/planner/expression/bound_reference_expression.hpp"
#include "duckdb/planner/expression_iterator.hpp"
#include "duckdb/planner/filter/expression_filter.hpp"
#include "duckdb/planner/operator/logical_filter.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "sql/bind_input.h"

namespace millpond {
namespace {

using duckdb::Expression;
using ExpressionPtr = duckdb::unique_ptr<Expression>;

// A filter knows its columns by number: as the scan's own columns.
void name_columns(ExpressionPtr& expression, const duckdb::LogicalGet& get, const duckdb::vector<duckdb::ProjectionIndex>& columns) {
  if (expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_REF) {
    const duckdb::idx_t index = expression->Cast<duckdb::BoundReferenceExpression>().Index();
    if (index >= columns.size()) throw duckdb::InternalException("a filter of a scan reads a column that the scan has not");
    const duckdb::ColumnBinding binding(get.table_index, columns[index]);
    expression = duckdb::make_uniq<duckdb::BoundColumnRefExpression>(expression->GetReturnType(), binding);
    return;
  }
  duckdb::ExpressionIterator::EnumerateChildren(*expression, [&](ExpressionPtr& child) { name_columns(child, get, columns); });
}

void add_filters(const Expression& expression, const duckdb::LogicalGet& get,
                 const duckdb::vector<duckdb::ProjectionIndex>& columns, duckdb::vector<ExpressionPtr>& filters) {
  if (duckdb::ExpressionFilter::IsOptionalExpression(expression)) return;
  if (expression.GetExpressionType() == duckdb::ExpressionType::CONJUNCTION_AND) {
    for (const auto& child : expression.Cast<duckdb::BoundConjunctionExpression>().GetChildren()) add_filters(*child, get, columns, filters);
    return;
  }
  filters.push_back(expression.Copy());
  name_columns(filters.back(), get, columns);
}

void lift(duckdb::unique_ptr<duckdb::LogicalOperator>& op) {
  auto& get = op->Cast<duckdb::LogicalGet>();
  if (!get.table_filters.HasFilters() && !get.table_filters.HasMultiColumnFilters()) return;
  auto filter = duckdb::make_uniq<duckdb::LogicalFilter>();
  for (const auto& entry : get.table_filters) {
    const auto& one = duckdb::ExpressionFilter::GetExpressionFilter(entry.Filter(), "lift_scan_filters");
    const auto columns = one.column_indexes.empty() ? duckdb::vector<duckdb::ProjectionIndex>{entry.GetIndex()} : one.column_indexes;
    add_filters(*one.expr, get, columns, filter->expressions);
  }
  for (const auto& several : get.table_filters.GetMultiColumnFilters()) {
    const auto& one = duckdb::ExpressionFilter::GetExpressionFilter(*several, "lift_scan_filters");
    add_filters(*one.expr, get, one.column_indexes, filter->expressions);
  }
  get.table_filters.ClearFilters();
  if (filter->expressions.empty()) return;
  // Columns that only the filters read are read from the scan, but end with the filters.
  filter->projection_map = std::move(get.projection_ids);
  get.projection_ids.clear();
  if (op->has_estimated_cardinality) filter->SetEstimatedCardinality(op->estimated_cardinality);
  filter->children.push_back(std::move(op));
  op = std::move(filter);
}

}  // namespace

void lift_scan_filters(duckdb::unique_ptr<duckdb::LogicalOperator>& op) {
  for (auto& child : op->children) lift_scan_filters(child);
  if (op->type != duckdb::LogicalOperatorType::LOGICAL_GET) return;
  auto& get = op->Cast<duckdb::LogicalGet>();
  if (!bind_input_name(get.function.GetName().GetIdentifierName(), get.bind_data.get()).empty()) lift(op);
}

}  // namespace millpond
