// Rows that are read at several places are computed once: CTEs, and the keys of correlated subqueries.

#include <algorithm>
#include <utility>

#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/operator/logical_cteref.hpp"
#include "duckdb/planner/operator/logical_delim_get.hpp"
#include "duckdb/planner/operator/logical_materialized_cte.hpp"
#include "sql/cut/cutter.h"
#include "sql/partition_hash.h"

namespace millpond {
namespace {

using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

bool holds_delim_join(const LogicalOperator& op) {
  return op.type == LogicalOperatorType::LOGICAL_DELIM_JOIN ||
         std::any_of(op.children.begin(), op.children.end(), [](const auto& child) { return holds_delim_join(*child); });
}

}  // namespace

Spread Cutter::visit_cte(Operator& op) {
  const auto index = op->Cast<duckdb::LogicalMaterializedCTE>().table_index.index;
  Operator& definition = op->children[0];
  const Spread spread = visit(definition);
  const auto bindings = definition->GetColumnBindings();
  Shared shared{emit(*definition), spread.is_single, {}, spread.placement};
  for (const auto& key : spread.keys) {
    shared.keys.emplace_back();
    for (const auto& column : key) {
      const auto at = std::find(bindings.begin(), bindings.end(), column);
      if (at != bindings.end()) shared.keys.back().push_back(static_cast<std::size_t>(at - bindings.begin()));
    }
  }
  ctes_[index] = std::move(shared);
  // References read the step. The definition stays alive, for sources are known by their operators' addresses.
  Operator use = std::move(op->children[1]);
  replaced_.push_back(std::exchange(op, std::move(use)));
  return visit(op);
}

Spread Cutter::visit_cte_ref(LogicalOperator& op) {
  const bool is_delim = op.type == LogicalOperatorType::LOGICAL_DELIM_GET;
  const Shared* shared = nullptr;
  if (is_delim && !delims_.empty()) shared = &delims_.back();
  if (!is_delim) {
    const auto found = ctes_.find(op.Cast<duckdb::LogicalCTERef>().cte_index.index);
    if (found != ctes_.end()) shared = &found->second;
  }
  if (shared == nullptr) throw duckdb::InternalException("%s stands without its definition", op.GetName());
  set_source(op, shared->step);
  Spread spread;
  spread.is_single = shared->is_single;
  spread.placement = shared->placement;
  const auto bindings = op.GetColumnBindings();
  for (const auto& key : shared->keys) {
    spread.keys.emplace_back();
    for (const std::size_t column : key) spread.keys.back().push_back(bindings[column]);
  }
  return spread;
}

// The side that gives the keys is computed once; the other side reads its distinct keys. What is left is a plain join.
Spread Cutter::visit_delim_join(LogicalOperator& op) {
  auto& join = op.Cast<duckdb::LogicalComparisonJoin>();
  Operator& keyed = op.children[join.delim_flipped ? 1 : 0];
  Operator& other = op.children[join.delim_flipped ? 0 : 1];
  if (join.join_type == duckdb::JoinType::MARK) return visit_whole(op, "a correlated IN or ANY compares with all rows");
  if (holds_delim_join(*other)) return visit_whole(op, "a correlated subquery holds another");
  const auto& correlated = join.duplicate_eliminated_columns;
  const auto has_hash = [](const auto& column) { return can_partition_by(column->GetReturnType()); };
  if (!std::all_of(correlated.begin(), correlated.end(), has_hash)) {
    return visit_whole(op, "a correlated subquery depends on a column of a type that has no hash");
  }
  const Spread spread = visit(keyed);
  const std::size_t rows = cut_off(*keyed);
  const auto bindings = keyed->GetColumnBindings();
  std::string columns;
  CutStep distinct;
  for (const auto& expression : correlated) {
    const auto* column = column_of(*expression);
    const auto at = column == nullptr ? bindings.end() : std::find(bindings.begin(), bindings.end(), *column);
    if (at == bindings.end()) throw duckdb::InternalException("a correlated column is not in its plan");
    const std::string name = numbered('c', distinct.keys.size());
    columns += (columns.empty() ? "" : ", ") + numbered('c', static_cast<std::size_t>(at - bindings.begin())) + " AS " + name;
    distinct.keys.push_back(name);
  }
  const std::vector<std::string> keys = std::move(distinct.keys);
  distinct.keys.clear();
  distinct.kind = CutStep::Kind::kQuery;
  distinct.query = "SELECT DISTINCT " + columns + " FROM {0}";
  distinct.from = {rows};
  Shared shared{add(distinct), spread.is_single, {}, {}};
  if (!spread.is_single) {
    CutStep hash;
    hash.kind = CutStep::Kind::kHash;
    hash.from = {shared.step};
    hash.keys = keys;
    CutStep again;
    again.kind = CutStep::Kind::kQuery;
    again.query = "SELECT DISTINCT * FROM {0}";
    again.from = {add(std::move(hash))};
    shared.step = add(std::move(again));
    for (std::size_t i = 0; i < keys.size(); ++i) shared.keys.push_back({i});
  }
  delims_.push_back(std::move(shared));
  const Spread other_spread = visit(other);
  delims_.pop_back();
  op.type = LogicalOperatorType::LOGICAL_COMPARISON_JOIN;
  join.duplicate_eliminated_columns.clear();
  return join.delim_flipped ? place_join(op, other_spread, spread) : place_join(op, spread, other_spread);
}

}  // namespace millpond
