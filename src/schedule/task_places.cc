#include "schedule/task_places.h"

#include <algorithm>

namespace millpond {
namespace {

constexpr double kLeastWeight = 0.25;

}  // namespace

TaskPlaces::TaskPlaces(const DependencyGraph& graph)
    : graph_(graph),
      outputs_(static_cast<std::size_t>(graph.num_tasks())),
      weights_(outputs_.size(), 0),
      hinted_(outputs_.size(), kAnywhere),
      stages_(graph.nodes().size()) {}

void TaskPlaces::hint(std::int64_t task, double weight, std::int64_t node) {
  StageOutputs& stage = stages_[graph_.stage_of(task)];
  float& known = weights_[static_cast<std::size_t>(task)];
  if (known > 0) {
    stage.hinted_weight -= static_cast<double>(known);
    --stage.num_hinted;
  }
  known = static_cast<float>(std::max(weight, 0.0));
  if (known > 0) {
    stage.hinted_weight += static_cast<double>(known);
    ++stage.num_hinted;
  }
  hinted_[static_cast<std::size_t>(task)] = static_cast<std::int32_t>(std::max(node, kAnywhere));
}

void TaskPlaces::add_output(std::int64_t task, std::int64_t node, std::int64_t bytes) {
  remove_output(task);
  // Outputs of unknown size count alike.
  Output& output = outputs_[static_cast<std::size_t>(task)];
  output = {static_cast<std::int32_t>(node), static_cast<float>(std::max<std::int64_t>(bytes, 1))};
  stages_[graph_.stage_of(task)].by_node[node] += static_cast<double>(output.bytes);
}

void TaskPlaces::remove_output(std::int64_t task) {
  Output& output = outputs_[static_cast<std::size_t>(task)];
  if (output.node < 0) return;
  auto& by_node = stages_[graph_.stage_of(task)].by_node;
  const auto found = by_node.find(output.node);
  found->second -= static_cast<double>(output.bytes);
  if (found->second < 0.5) by_node.erase(found);
  output = {};
}

double TaskPlaces::weight(std::int64_t task) const {
  const float known = weights_[static_cast<std::size_t>(task)];
  if (known <= 0) return 1;
  const StageOutputs& stage = stages_[graph_.stage_of(task)];
  const double mean = stage.hinted_weight / static_cast<double>(stage.num_hinted);
  return std::max(kLeastWeight, static_cast<double>(known) / mean);
}

std::int64_t TaskPlaces::node_of(std::int64_t task) const {
  const DependencyGraph::Node& reader = graph_.node(graph_.stage_of(task));
  std::map<std::int64_t, double> bytes;
  double all = 0;
  const auto add = [&](std::int64_t node, double share) {
    bytes[node] += share;
    all += share;
  };
  for (const DependencyGraph::Edge& edge : reader.inputs) {
    const DependencyGraph::Node& upstream = graph_.node(edge.stage);
    if (edge.kind == DependencyKind::kSame) {
      const Output& output = outputs_[static_cast<std::size_t>(upstream.first_task + task - reader.first_task)];
      if (output.node >= 0) add(output.node, static_cast<double>(output.bytes));
    } else {
      // Each reader is taken to read an equal share of every output.
      const auto readers = static_cast<double>(std::max<std::int64_t>(reader.shape.tasks, 1));
      for (const auto& [node, sum] : stages_[edge.stage].by_node) add(node, sum / readers);
    }
  }
  for (const auto& [node, sum] : bytes) {
    if (sum > all / 2) return node;
  }
  return hinted_[static_cast<std::size_t>(task)];
}

}  // namespace millpond
