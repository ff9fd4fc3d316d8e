#include "sql/streaming_plan.h"

#include <algorithm>

namespace millpond {

bool is_streaming(const duckdb::LogicalOperator& plan) {
  using duckdb::LogicalOperatorType;
  switch (plan.type) {
    case LogicalOperatorType::LOGICAL_GET:
    case LogicalOperatorType::LOGICAL_DUMMY_SCAN:
    case LogicalOperatorType::LOGICAL_EXPRESSION_GET:
    case LogicalOperatorType::LOGICAL_PROJECTION:
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_UNNEST:
    case LogicalOperatorType::LOGICAL_UNION:
    // The relations around a query are such: one that is read once is not kept.
    case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
    case LogicalOperatorType::LOGICAL_CTE_REF:
      break;
    default:
      return false;
  }
  return std::all_of(plan.children.begin(), plan.children.end(), [](const auto& child) { return is_streaming(*child); });
}

bool may_add_rows(const duckdb::LogicalOperator& plan) {
  using duckdb::LogicalOperatorType;
  if (plan.type == LogicalOperatorType::LOGICAL_UNNEST) return true;
  // A function of each row that comes in.
  if (plan.type == LogicalOperatorType::LOGICAL_GET && !plan.children.empty()) return true;
  return std::any_of(plan.children.begin(), plan.children.end(), [](const auto& child) { return may_add_rows(*child); });
}

}  // namespace millpond
