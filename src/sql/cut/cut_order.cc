// Operators that need an order or a key over all rows: windows, DISTINCT, top-N and LIMIT.

#include <algorithm>
#include <limits>

#include "duckdb/planner/expression/bound_window_expression.hpp"
#include "duckdb/planner/operator/logical_distinct.hpp"
#include "duckdb/planner/operator/logical_limit.hpp"
#include "duckdb/planner/operator/logical_top_n.hpp"
#include "duckdb/planner/operator/logical_window.hpp"
#include "sql/cut/cutter.h"

namespace millpond {
namespace {

using duckdb::Expression;
using duckdb::LogicalOperator;

// The partition keys that all windows of the operator share.
std::vector<const Expression*> shared_partitions(const LogicalOperator& op) {
  std::vector<const Expression*> shared;
  for (const auto& expression : op.expressions) {
    const auto& partitions = expression->Cast<duckdb::BoundWindowExpression>().Partitions();
    if (expression == op.expressions.front()) {
      for (const auto& key : partitions) shared.push_back(key.get());
      continue;
    }
    std::erase_if(shared, [&](const Expression* key) {
      return std::none_of(partitions.begin(), partitions.end(), [&](const auto& other) { return other->Equals(*key); });
    });
  }
  return shared;
}

}  // namespace

Spread Cutter::visit_window(LogicalOperator& op) {
  const Spread spread = visit(op.children.front());
  const std::vector<const Expression*> keys = shared_partitions(op);
  if (keys.empty()) return gather(*op.children.front(), spread, "a window without PARTITION BY sees all rows");
  if (spread.is_single || is_together(spread, keys)) return spread;
  return deal(*op.children.front(), spread, keys);
}

Spread Cutter::visit_distinct(LogicalOperator& op) {
  const Spread spread = visit(op.children.front());
  if (spread.is_single) return spread;
  std::vector<const Expression*> keys;
  for (const auto& target : op.Cast<duckdb::LogicalDistinct>().distinct_targets) keys.push_back(target.get());
  if (keys.empty()) return gather(*op.children.front(), spread, "DISTINCT without columns");
  if (is_together(spread, keys)) return spread;
  const auto& distinct = op.Cast<duckdb::LogicalDistinct>();
  // Most doubles go where they are. Not with ON: which row stays must be decided among all.
  if (distinct.distinct_type == duckdb::DistinctType::DISTINCT) {
    const std::size_t step = emit(op);
    set_source(*op.children.front(), step);
  }
  return deal(*op.children.front(), spread, keys);
}

Spread Cutter::visit_top_n(LogicalOperator& op) {
  const Spread spread = visit(op.children.front());
  if (spread.is_single) return spread;
  auto& top = op.Cast<duckdb::LogicalTopN>();
  const duckdb::idx_t limit = top.limit;
  const duckdb::idx_t offset = top.offset;
  // Each partition's first rows; among them are the first of all.
  if (limit <= std::numeric_limits<std::int64_t>::max() - offset) {
    top.limit = limit + offset;
    top.offset = 0;
    const std::size_t step = emit(op);
    top.limit = limit;
    top.offset = offset;
    set_source(*op.children.front(), step);
  }
  return gather(*op.children.front(), spread, "ORDER BY with LIMIT: the first rows of each partition");
}

Spread Cutter::visit_limit(LogicalOperator& op) {
  const Spread spread = visit(op.children.front());
  if (auto done = limit_by_columns(op, spread)) return std::move(*done);
  auto& limit = op.Cast<duckdb::LogicalLimit>();
  // DuckDB leaves out a LIMIT above the rows that a step reads, though grouping sets make more of them. It keeps this one.
  if (limit.offset_val.Type() == duckdb::LimitNodeType::UNSET) limit.offset_val = duckdb::BoundLimitNode::ConstantValue(0);
  if (spread.is_single) return spread;
  const bool is_constant = limit.limit_val.Type() == duckdb::LimitNodeType::CONSTANT_VALUE &&
                           limit.offset_val.Type() == duckdb::LimitNodeType::CONSTANT_VALUE;
  if (is_constant && op.children.size() == 1) {
    const auto rows = static_cast<std::int64_t>(limit.limit_val.GetConstantValue());
    const auto skipped = static_cast<std::int64_t>(limit.offset_val.GetConstantValue());
    if (rows <= std::numeric_limits<std::int64_t>::max() - skipped) {
      take(*op.children.front(), rows + skipped);
      return {};
    }
  }
  return gather(*op.children.front(), spread, "LIMIT: a part of all rows");
}

void Cutter::take(LogicalOperator& op, std::int64_t rows) {
  CutStep step;
  step.kind = CutStep::Kind::kLimit;
  step.rows = rows;
  step.from = {emit(op)};
  set_source(op, add(std::move(step)));
}

}  // namespace millpond
