// Which rows of a step may be read in parts, by several tasks.

#include "sql/cut/cutter.h"

namespace millpond {

using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

std::vector<LogicalOperator*> Cutter::divisible_sources(LogicalOperator& op) const {
  if (sources_.contains(&op)) return {&op};
  std::vector<LogicalOperator*> found;
  const auto add = [&](LogicalOperator& child) {
    for (LogicalOperator* source : divisible_sources(child)) found.push_back(source);
  };
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_PROJECTION:
    case LogicalOperatorType::LOGICAL_UNNEST: add(*op.children.front()); break;
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
    case LogicalOperatorType::LOGICAL_ASOF_JOIN:
      if (left_decides(op)) add(*op.children[0]);
      if (right_decides(op)) add(*op.children[1]);
      break;
    default: break;  // Others look at more than one row at a time.
  }
  return found;
}

}  // namespace millpond
