#include <algorithm>

#include "data/schema.h"
#include "optimize/optimizer.h"

namespace millpond {
namespace {

/// The name under which the input column comes out of the query unchanged, or nothing.
const std::string* passed_as(const PartialSqlTraits& traits, const std::string& column) {
  for (const auto& [from, to] : traits.passed_columns) {
    if (same_column_name(from, column)) return &to;
  }
  return nullptr;
}

bool groups_by(const PartialSqlTraits& traits, const std::string& column) {
  return std::any_of(traits.group_columns.begin(), traits.group_columns.end(),
                     [&](const std::string& group) { return same_column_name(group, column); });
}

}  // namespace

// PartialSql[GROUP BY g](Repartition[hash k, n](x)), k ⊆ g, x one partition
//   ->  Repartition[hash k, n](PartialSql[GROUP BY g](x))
//
// All rows of a group have the same k, so they are in the same partition: grouping in each partition gives the groups of
// the whole, each in the partition of its k. Grouping first moves groups instead of rows. On one machine only: there one
// query uses all cores.
NodePtr aggregate_before_exchange(const NodePtr& node, const OptimizeContext& context) {
  const auto* sql = std::get_if<PartialSqlOp>(&node->op);
  if (!context.is_local || sql == nullptr || node->inputs.size() != 1 || !sql->traits.is_grouping) return node;
  if (sql->traits.is_volatile || sql->traits.has_window || sql->traits.has_order || sql->traits.has_limit) return node;
  const NodePtr& exchange = node->inputs.front();
  const auto* repartition = std::get_if<RepartitionOp>(&exchange->op);
  if (repartition == nullptr || repartition->kind != RepartitionOp::Kind::kHash || repartition->nested) return node;
  const auto consumers = context.consumers.find(exchange.get());
  if (consumers != context.consumers.end() && consumers->second > 1) return node;
  const NodePtr& source = exchange->inputs.front();
  if (source->partitioning.count != 1) return node;

  RepartitionOp moved = *repartition;
  for (auto& key : moved.keys) {
    const std::string* passed = passed_as(sql->traits, key);
    if (passed == nullptr || !groups_by(sql->traits, key)) return node;
    key = *passed;
  }
  if (moved.keys.empty()) return node;
  NodePtr grouped = make_node(node->op, {source}, node->schema, single_partition(), node->name, node->location);
  return make_node(moved, {grouped}, node->schema, node->partitioning, exchange->name, exchange->location);
}

}  // namespace millpond
