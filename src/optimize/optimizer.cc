#include "optimize/optimizer.h"

#include <algorithm>

namespace millpond {
namespace {

/// Rules could in theory undo each other; a plan never needs this many steps at one node.
constexpr int kMaxSteps = 32;

class Rewriter {
 public:
  Rewriter(const OptimizeContext& context, const std::vector<std::string>& disabled)
      : context_(context), disabled_(disabled) {}

  NodePtr rewrite(const NodePtr& node) {
    if (auto known = done_.find(node.get()); known != done_.end()) return known->second;
    std::vector<NodePtr> inputs;
    bool changed = false;
    for (const auto& input : node->inputs) {
      inputs.push_back(rewrite(input));
      changed = changed || inputs.back() != input;
    }
    NodePtr current = changed ? with_inputs(node, std::move(inputs)) : node;
    for (int step = 0; step < kMaxSteps; ++step) {
      NodePtr next = apply_first(current);
      if (next == current) break;
      current = next;
    }
    done_.emplace(node.get(), current);
    kept_.push_back(node);
    return current;
  }

 private:
  NodePtr apply_first(const NodePtr& node) const {
    for (const Rule& rule : all_rules()) {
      if (std::find(disabled_.begin(), disabled_.end(), rule.name) != disabled_.end()) continue;
      NodePtr next = rule.apply(node, context_);
      if (next != node) return next;
    }
    return node;
  }

  const OptimizeContext& context_;
  const std::vector<std::string>& disabled_;
  std::unordered_map<const Node*, NodePtr> done_;
  std::vector<NodePtr> kept_;
};

void count(const NodePtr& node, std::unordered_map<const Node*, int>& consumers) {
  for (const auto& input : node->inputs) {
    if (++consumers[input.get()] == 1) count(input, consumers);
  }
}

}  // namespace

const std::vector<Rule>& all_rules() {
  static const std::vector<Rule> kRules = {
      {"collapse_repartitions", collapse_repartitions},
      {"aggregate_before_exchange", aggregate_before_exchange},
      {"prune_exchange_columns", prune_exchange_columns},
  };
  return kRules;
}

std::vector<NodePtr> optimize(const std::vector<NodePtr>& roots, OptimizeContext context,
                              const std::vector<std::string>& disabled) {
  for (const auto& root : roots) {
    if (++context.consumers[root.get()] == 1) count(root, context.consumers);
  }
  Rewriter rewriter(context, disabled);
  std::vector<NodePtr> rewritten;
  for (const auto& root : roots) rewritten.push_back(rewriter.rewrite(root));
  return rewritten;
}

}  // namespace millpond
