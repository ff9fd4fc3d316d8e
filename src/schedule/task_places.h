#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "schedule/dependency_graph.h"

namespace millpond {

/// Any node, or none that is better than another.
inline constexpr std::int64_t kAnywhere = -1;

/// What is known of the tasks beside their state: how heavy each is, and on which node most of its input lies.
/// Sixteen bytes a task, and a few a node for each stage; nothing an edge.
class TaskPlaces {
 public:
  explicit TaskPlaces(const DependencyGraph& graph);

  void hint(std::int64_t task, double weight, std::int64_t node);
  /// The task's output lies on this node.
  void add_output(std::int64_t task, std::int64_t node, std::int64_t bytes);
  void remove_output(std::int64_t task);

  /// The task's weight over the mean of its stage; 1 when it is not known. Never below a quarter: something of each
  /// task does not follow from its size.
  double weight(std::int64_t task) const;
  bool has_weight(std::int64_t task) const { return weights_[static_cast<std::size_t>(task)] > 0; }
  /// The node with more than half of what the task reads from other tasks, else the hinted one. O(inputs x nodes).
  std::int64_t node_of(std::int64_t task) const;

 private:
  struct Output {
    std::int32_t node = -1;
    float bytes = 0;
  };
  struct StageOutputs {
    std::map<std::int64_t, double> by_node;
    double hinted_weight = 0;
    std::int64_t num_hinted = 0;
  };

  const DependencyGraph& graph_;
  std::vector<Output> outputs_;
  std::vector<float> weights_;          // 0: not hinted.
  std::vector<std::int32_t> hinted_;    // Nodes.
  std::vector<StageOutputs> stages_;
};

}  // namespace millpond
