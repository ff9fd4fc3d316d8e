// Semi and anti joins that only tell intervals apart: DuckDB compares those row by row with an operator that knows no
// intervals, and answers such a query only where its statistics do.

#include <algorithm>
#include <utility>

#include "duckdb/planner/expression/bound_constant_expression.hpp"
#include "duckdb/planner/expression/bound_operator_expression.hpp"
#include "duckdb/planner/operator/logical_comparison_join.hpp"
#include "sql/cut/cutter.h"

namespace millpond {
namespace {

using duckdb::ExpressionType;
using duckdb::JoinCondition;
using duckdb::JoinType;

bool keeps_one_side(JoinType type) {
  return type == JoinType::SEMI || type == JoinType::ANTI || type == JoinType::RIGHT_SEMI || type == JoinType::RIGHT_ANTI;
}

bool tells_apart(const JoinCondition& condition) {
  return condition.IsComparison() && (condition.GetComparisonType() == ExpressionType::COMPARE_NOTEQUAL ||
                                      condition.GetComparisonType() == ExpressionType::COMPARE_DISTINCT_FROM);
}

bool has_intervals(const JoinCondition& condition) {
  return condition.GetLHS().GetReturnType().id() == duckdb::LogicalTypeId::INTERVAL;
}

}  // namespace

void with_any_condition(duckdb::LogicalOperator& op) {
  if (op.type != duckdb::LogicalOperatorType::LOGICAL_COMPARISON_JOIN) return;
  auto& join = op.Cast<duckdb::LogicalComparisonJoin>();
  auto& conditions = join.conditions;
  if (!keeps_one_side(join.join_type) || !std::all_of(conditions.begin(), conditions.end(), tells_apart)) return;
  if (std::none_of(conditions.begin(), conditions.end(), has_intervals)) return;
  auto whole = duckdb::make_uniq<duckdb::BoundOperatorExpression>(ExpressionType::OPERATOR_COALESCE, duckdb::LogicalType::BOOLEAN);
  whole->GetChildrenMutable().push_back(JoinCondition::CreateExpression(std::move(conditions)));
  whole->GetChildrenMutable().push_back(duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value::BOOLEAN(false)));
  conditions.clear();
  conditions.emplace_back(std::move(whole));
}

}  // namespace millpond
