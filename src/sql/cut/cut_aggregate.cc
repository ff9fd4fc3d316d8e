// Aggregates: in each partition and then over what that gives, or over rows dealt by the group keys.

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/quote.h"
#include "duckdb/planner/expression/bound_aggregate_expression.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/operator/logical_aggregate.hpp"
#include "duckdb/planner/operator/logical_projection.hpp"
#include "sql/arrow_export.h"
#include "sql/cut/cutter.h"
#include "sql/partition_hash.h"
#include "sql/cut/two_steps.h"

namespace millpond {
namespace {

using duckdb::BoundAggregateExpression;
using duckdb::Expression;

bool has_plain_groups(const duckdb::LogicalAggregate& aggregate) {
  if (!aggregate.grouping_functions.empty() || aggregate.grouping_sets.size() > 1) return false;
  return aggregate.grouping_sets.empty() || aggregate.grouping_sets.front().size() == aggregate.groups.size();
}

// Rows of equal sets could not be told apart once they are mixed.
bool has_unique_sets(const duckdb::LogicalAggregate& aggregate) {
  const auto& sets = aggregate.grouping_sets;
  return std::set<duckdb::GroupingSet>(sets.begin(), sets.end()).size() == sets.size();
}

template <typename Indexes>
std::string keys_of(const Indexes& groups) {
  std::string keys;
  for (const duckdb::ProjectionIndex group : groups) keys += (keys.empty() ? "" : ", ") + numbered('k', group);
  return keys;
}

std::string grouping_sets(const duckdb::LogicalAggregate& aggregate) {
  std::string sets;
  for (const auto& one : aggregate.grouping_sets) sets += (sets.empty() ? "(" : ", (") + keys_of(one) + ")";
  return " GROUP BY GROUPING SETS (" + sets + ")";
}

// How long its bit strings are follows from statistics of all rows, which no task has.
void refuse_bounds_from_statistics(const duckdb::LogicalOperator& op) {
  for (const auto& expression : op.expressions) {
    const auto& aggregate = expression->Cast<BoundAggregateExpression>();
    if (aggregate.Function().GetName() != "bitstring_agg" || aggregate.GetChildren().size() > 1) continue;
    throw duckdb::NotImplementedException("bitstring_agg without a least and a greatest value goes by statistics");
  }
}

}  // namespace

Spread Cutter::visit_aggregate(Operator& op) {
  refuse_bounds_from_statistics(*op);
  const Spread spread = visit(op->children.front());
  if (spread.is_single) return {};
  duckdb::LogicalOperator& child = *op->children.front();
  auto& aggregate = op->Cast<duckdb::LogicalAggregate>();
  const auto is_sum_of_parts = [&](const auto& expression) {
    return in_two_steps(expression->template Cast<BoundAggregateExpression>(), !aggregate.groups.empty()).has_value();
  };
  const bool has_distinct = std::any_of(op->expressions.begin(), op->expressions.end(), [](const auto& expression) {
    return expression->template Cast<BoundAggregateExpression>().IsDistinct();
  });
  const bool has_parts = std::all_of(op->expressions.begin(), op->expressions.end(), is_sum_of_parts);
  const bool can_split = has_parts && !has_distinct;
  if (!has_plain_groups(aggregate)) {
    if (can_split && has_unique_sets(aggregate)) return aggregate_in_two_steps(op);
    return gather(child, spread, "grouping sets over an aggregate that is no sum of parts");
  }
  const auto group_of = [&](const duckdb::ColumnBinding& column) -> std::size_t {
    for (std::size_t i = 0; i < aggregate.groups.size(); ++i) {
      const auto* group = column_of(*aggregate.groups[i]);
      if (group != nullptr && *group == column) return i;
    }
    return aggregate.groups.size();
  };
  const auto keys_above = [&](const Spread& below) {
    return with_names(below, [&](const duckdb::ColumnBinding& column) {
      std::vector<duckdb::ColumnBinding> names;
      const std::size_t group = group_of(column);
      if (group < aggregate.groups.size()) names.push_back({aggregate.group_index, duckdb::ProjectionIndex(group)});
      return names;
    });
  };
  std::vector<const Expression*> keys;
  for (const auto& group : aggregate.groups) keys.push_back(group.get());
  if (is_together(spread, keys)) return keys_above(spread);
  if (can_split) return aggregate_in_two_steps(op);
  if (aggregate.groups.empty()) {
    if (has_parts && can_go_by_values(*op)) return aggregate_by_values(op, spread);
    return gather(child, spread, "an aggregate without groups that is no sum of parts");
  }
  const Spread dealt = deal(child, spread, keys);
  if (dealt.is_single) return {};
  Spread result = keys_above(dealt);
  if (dealt.keys.empty()) return result;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (result.keys[i].empty()) result.keys[i].push_back({aggregate.group_index, duckdb::ProjectionIndex(i)});
  }
  return result;
}

Spread Cutter::aggregate_in_two_steps(Operator& op) {
  auto& aggregate = op->Cast<duckdb::LogicalAggregate>();
  duckdb::LogicalOperator& child = *op->children.front();
  // The first step's rows: group keys, then each aggregate's argument and filter.
  std::vector<const Expression*> columns;
  std::string partial;
  std::string final_sql;
  std::string groups;
  const auto add_to = [](std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; };
  const auto column = [&](const Expression& expression) {
    refuse_collation(expression.GetReturnType());
    columns.push_back(&expression);
    return numbered('k', columns.size() - 1);
  };
  for (std::size_t i = 0; i < aggregate.groups.size(); ++i) {
    const std::string name = numbered('g', i);
    add_to(partial, column(*aggregate.groups[i]) + " AS " + name);
    add_to(groups, name);
    add_to(final_sql, name + " AS c" + std::to_string(i));
  }
  // Which groups a row leaves out is a key of its own: a NULL among them says nothing.
  const bool has_sets = !has_plain_groups(aggregate);
  std::vector<std::string> marks;
  const auto mark = [&](const std::string& keys) {
    marks.push_back(numbered('f', marks.size()));
    add_to(partial, "GROUPING(" + keys + ") AS " + marks.back());
    add_to(groups, marks.back());
  };
  if (has_sets) {
    std::vector<duckdb::ProjectionIndex> all;
    for (std::size_t i = 0; i < aggregate.groups.size(); ++i) all.emplace_back(i);
    mark(keys_of(all));
  }
  for (const auto& function : aggregate.grouping_functions) mark(keys_of(function));
  std::size_t parts = 0;
  for (std::size_t i = 0; i < op->expressions.size(); ++i) {
    const auto& expression = op->expressions[i]->Cast<BoundAggregateExpression>();
    TwoSteps steps = *in_two_steps(expression, !aggregate.groups.empty());
    std::string argument = expression.IsDistinct() ? "DISTINCT " : "";
    for (const auto& child : expression.GetChildren()) argument += (child == expression.GetChildren().front() ? "" : ", ") + column(*child);
    const std::string filter =
        expression.GetFilter() ? " FILTER (WHERE " + column(*expression.GetFilter()) + ")" : std::string();
    std::vector<std::string> names;
    for (std::size_t p = 0; p < steps.partial.size(); ++p) names.push_back(numbered('p', parts++));
    steps = filled(std::move(steps), argument, filter, names);
    for (const std::string& part : steps.partial) add_to(partial, part);
    const auto& type = op->expressions[i]->GetReturnType();
    add_to(final_sql, "CAST(" + steps.final_sql + " AS " + type.ToString() + ") AS c" + std::to_string(aggregate.groups.size() + i));
  }
  for (std::size_t i = 0; i < aggregate.grouping_functions.size(); ++i) {
    const std::size_t number = aggregate.groups.size() + op->expressions.size() + i;
    add_to(final_sql, marks[has_sets ? i + 1 : i] + " AS " + numbered('c', number));
  }
  CutStep first;
  first.kind = CutStep::Kind::kQuery;
  first.from = {emit(child, columns)};
  first.divisible = {0};
  const std::string by = groups.empty() ? "" : " GROUP BY " + groups;
  // Without groups and aggregates nothing would be selected.
  first.query = "SELECT " + (partial.empty() ? "1 AS p0" : partial) + " FROM {0}" + (has_sets ? grouping_sets(aggregate) : by);
  CutStep move;
  move.from = {add(std::move(first))};
  Spread result;
  if (aggregate.groups.empty()) {
    move.kind = CutStep::Kind::kGather;
    move.reason = "the parts of an aggregate without groups";
  } else {
    move.kind = CutStep::Kind::kHash;
    for (std::size_t i = 0; i < aggregate.groups.size(); ++i) {
      if (!can_partition_by(aggregate.groups[i]->GetReturnType())) continue;
      move.keys.push_back(numbered('g', i));
      if (!has_sets) result.keys.push_back({{aggregate.group_index, duckdb::ProjectionIndex(i)}});
    }
    if (has_sets) move.keys.push_back(marks.front());
    result.is_single = move.keys.empty();
    if (move.keys.empty()) {
      move.kind = CutStep::Kind::kGather;
      move.reason = "groups of a type that has no hash";
    }
  }
  CutStep last;
  last.kind = CutStep::Kind::kQuery;
  last.from = {add(std::move(move))};
  last.query = "SELECT " + final_sql + " FROM {0}" + by;
  for (std::size_t i = 0; i < op->types.size(); ++i) last.schema.push_back({numbered('c', i), type_to_sql(op->types[i])});
  set_source(*op, add(std::move(last)));
  return result;
}

}  // namespace millpond
