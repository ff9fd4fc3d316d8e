// UNION, EXCEPT and INTERSECT.

#include <algorithm>

#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/operator/logical_set_operation.hpp"
#include "sql/cut/cutter.h"

namespace millpond {

using duckdb::LogicalOperator;

Spread Cutter::visit_union(LogicalOperator& op) {
  Spread result;
  bool is_spread = false;
  for (auto& child : op.children) is_spread = !visit(child).is_single || is_spread;
  if (!is_spread) return result;
  CutStep step;
  step.kind = CutStep::Kind::kUnion;
  for (auto& child : op.children) step.from.push_back(emit(*child));
  set_source(op, add(std::move(step)));
  result.is_single = false;
  return result;
}

// Equal rows of both sides meet by the hash of all columns.
Spread Cutter::visit_set_difference(LogicalOperator& op) {
  std::vector<Spread> spreads;
  for (auto& child : op.children) spreads.push_back(visit(child));
  if (std::all_of(spreads.begin(), spreads.end(), [](const Spread& spread) { return spread.is_single; })) return {};
  Spread result;
  bool is_known = true;
  for (std::size_t i = 0; i < op.children.size(); ++i) {
    LogicalOperator& child = *op.children[i];
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> columns;
    std::vector<const duckdb::Expression*> keys;
    const auto bindings = child.GetColumnBindings();
    for (std::size_t c = 0; c < bindings.size(); ++c) {
      columns.push_back(duckdb::make_uniq<duckdb::BoundColumnRefExpression>(child.types[c], bindings[c]));
      keys.push_back(columns.back().get());
    }
    const Spread dealt = deal(child, spreads[i], keys);
    // The sides have the same types: all come together, or none does.
    result.is_single = dealt.is_single;
    is_known = is_known && !dealt.keys.empty();
  }
  if (result.is_single || !is_known) return result;
  for (const auto& column : op.GetColumnBindings()) result.keys.push_back({column});
  return result;
}

}  // namespace millpond
