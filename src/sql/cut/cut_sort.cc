// ORDER BY: rows are dealt by ranges of their sort keys, so that each partition is sorted by itself.

#include <algorithm>
#include <utility>

#include "duckdb/planner/operator/logical_order.hpp"
#include "sql/cut/cutter.h"

namespace millpond {
namespace {

using duckdb::BoundOrderByNode;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

// So few rows are sorted sooner than dealt.
constexpr std::uint64_t kFewRows = 100000;

bool is_in_range(const Spread::Range& range, const BoundOrderByNode& order) {
  const auto* column = column_of(*order.expression);
  return column != nullptr && range.order == order.GetOrderModifier() &&
         std::find(range.columns.begin(), range.columns.end(), *column) != range.columns.end();
}

// Whether partitions that are each sorted by `orders` are in that order one after the other. Where the ranges are by fewer
// columns than the order, rows that are equal in those must be in one partition.
bool is_placed_by(const Spread& spread, const duckdb::vector<BoundOrderByNode>& orders) {
  const std::size_t common = std::min(spread.ranges.size(), orders.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (!is_in_range(spread.ranges[i], orders[i])) return false;
  }
  if (common == 0) return false;
  if (common == orders.size()) return true;
  std::vector<const duckdb::Expression*> columns;
  for (std::size_t i = 0; i < common; ++i) columns.push_back(orders[i].expression.get());
  return is_together(spread, columns);
}

}  // namespace

bool Cutter::is_light(LogicalOperator& op) const {
  if (sources_.contains(&op)) return true;
  if (op.type != LogicalOperatorType::LOGICAL_PROJECTION && op.type != LogicalOperatorType::LOGICAL_FILTER) return false;
  return is_light(*op.children.front());
}

Spread Cutter::visit_order(LogicalOperator& op) {
  LogicalOperator& child = *op.children.front();
  Spread spread = visit(op.children.front());
  const auto& orders = op.Cast<duckdb::LogicalOrder>().orders;
  if (spread.is_single || is_placed_by(spread, orders)) return spread;
  const bool knows_rows = std::all_of(inputs_.begin(), inputs_.end(), [](const BoundInput& input) { return input.num_rows >= 0; });
  const std::uint64_t few = options_.broadcast_limit < 0 ? kFewRows : static_cast<std::uint64_t>(options_.broadcast_limit);
  if (knows_rows && few > 0 && rows_of(child) <= few) return gather(child, spread, "ORDER BY of few rows");
  std::vector<const duckdb::Expression*> keys;
  std::vector<std::string> modifiers;
  Spread result;
  result.is_single = false;
  bool is_column = true;
  for (const BoundOrderByNode& order : orders) {
    keys.push_back(order.expression.get());
    modifiers.push_back(order.GetOrderModifier());
    const auto* column = column_of(*order.expression);
    is_column = is_column && column != nullptr;
    if (is_column) result.ranges.push_back({{*column}, modifiers.back()});
  }
  if (std::any_of(keys.begin(), keys.end(), is_volatile_key)) return gather(child, spread, "a key that is another each time");
  deal_by_ranges(child, keys, std::move(modifiers));
  return result;
}

void Cutter::deal_by_ranges(LogicalOperator& op, const std::vector<const duckdb::Expression*>& keys,
                            std::vector<std::string> orders) {
  CutStep step;
  step.kind = CutStep::Kind::kRange;
  step.orders = std::move(orders);
  std::vector<const duckdb::Expression*> extra;
  step.keys = key_columns(op, keys, extra);
  const bool is_read_twice = is_light(op) && !is_volatile(op);
  const std::size_t rows = emit(op, extra);
  // A step that two others read is put to rest between them. Rows that lie there already are cheaper read twice.
  const std::size_t sampled = is_read_twice ? emit(op, extra) : rows;
  step.from = {rows, sampled};
  set_source(op, add(std::move(step)));
}

}  // namespace millpond
