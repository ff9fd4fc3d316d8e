#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "plan/node.h"

namespace millpond {

/// What rules may know beyond the plan.
struct OptimizeContext {
  bool is_local = true;  ///< All tasks run on this machine: one large query beats many small ones.
  /// How many nodes of the plan read a node. Filled by optimize().
  std::unordered_map<const Node*, int> consumers;
};

/// A rewrite of one node whose inputs are rewritten already; gives the node itself when it does not apply.
/// A rule changes how rows are computed, never which rows there are in which partition.
struct Rule {
  std::string_view name;
  NodePtr (*apply)(const NodePtr& node, const OptimizeContext& context);
};

/// All rules, in the order they are tried.
const std::vector<Rule>& all_rules();

/// Applies the rules from the leaves up, each node until none applies; shared nodes stay shared.
/// Rules named in `disabled` are left out.
std::vector<NodePtr> optimize(const std::vector<NodePtr>& roots, OptimizeContext context,
                              const std::vector<std::string>& disabled = {});

NodePtr collapse_repartitions(const NodePtr& node, const OptimizeContext& context);
NodePtr aggregate_before_exchange(const NodePtr& node, const OptimizeContext& context);
NodePtr prune_exchange_columns(const NodePtr& node, const OptimizeContext& context);

}  // namespace millpond
