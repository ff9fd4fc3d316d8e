#include "schedule/dependency_graph.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace millpond {
namespace {

// More would overflow nothing yet, but no driver could hold their results.
constexpr std::int64_t kMaxTasks = std::int64_t{1} << 31;

std::string stage_text(std::int64_t id) { return "stage " + std::to_string(id); }

}  // namespace

Result<DependencyGraph> DependencyGraph::create(std::vector<StageShape> stages) {
  DependencyGraph graph;
  for (StageShape& shape : stages) {
    if (shape.id < 0 || !graph.positions_.emplace(shape.id, graph.nodes_.size()).second) {
      return Status::invalid_argument("two stages have the number " + std::to_string(shape.id) + " or it is negative");
    }
    if (shape.tasks < 0 || shape.tasks > kMaxTasks - graph.num_tasks_) {
      return Status::invalid_argument(stage_text(shape.id) + " has " + std::to_string(shape.tasks) +
                                      " tasks; a job may have 0 to " + std::to_string(kMaxTasks) + " in all");
    }
    Node node;
    node.first_task = graph.num_tasks_;
    graph.num_tasks_ += shape.tasks;
    node.shape = std::move(shape);
    graph.nodes_.push_back(std::move(node));
  }
  MILLPOND_RETURN_IF_ERROR(graph.link());
  MILLPOND_RETURN_IF_ERROR(graph.sort());
  graph.rank();
  return graph;
}

Status DependencyGraph::link() {
  for (std::size_t stage = 0; stage < nodes_.size(); ++stage) {
    Node& node = nodes_[stage];
    for (const StageDependency& dependency : node.shape.dependencies) {
      const auto found = positions_.find(dependency.stage);
      if (found == positions_.end()) {
        return Status::invalid_argument(stage_text(node.shape.id) + " depends on " + stage_text(dependency.stage) +
                                        ", which does not exist");
      }
      Node& upstream = nodes_[found->second];
      if (dependency.kind == DependencyKind::kSame && upstream.shape.tasks != node.shape.tasks) {
        return Status::invalid_argument(stage_text(node.shape.id) + " has " + std::to_string(node.shape.tasks) +
                                        " tasks and needs the same ones of " + stage_text(dependency.stage) +
                                        ", which has " + std::to_string(upstream.shape.tasks));
      }
      node.inputs.push_back({found->second, dependency.kind});
      upstream.consumers.push_back({stage, dependency.kind});
    }
  }
  return {};
}

Status DependencyGraph::sort() {
  std::vector<std::size_t> missing(nodes_.size());
  for (std::size_t stage = 0; stage < nodes_.size(); ++stage) {
    missing[stage] = nodes_[stage].inputs.size();
    if (missing[stage] == 0) topological_.push_back(stage);
  }
  for (std::size_t next = 0; next < topological_.size(); ++next) {
    const Node& node = nodes_[topological_[next]];
    for (const Edge& edge : node.consumers) {
      Node& consumer = nodes_[edge.stage];
      consumer.depth = std::max(consumer.depth, node.depth + 1);
      if (--missing[edge.stage] == 0) topological_.push_back(edge.stage);
    }
  }
  if (topological_.size() == nodes_.size()) return {};
  const auto stuck = std::find_if(missing.begin(), missing.end(), [](std::size_t count) { return count > 0; });
  const auto& shape = nodes_[static_cast<std::size_t>(stuck - missing.begin())].shape;
  return Status::invalid_argument(stage_text(shape.id) + " depends on itself, directly or through others");
}

void DependencyGraph::rank() {
  by_rank_.resize(nodes_.size());
  std::iota(by_rank_.begin(), by_rank_.end(), std::size_t{0});
  std::stable_sort(by_rank_.begin(), by_rank_.end(), [this](std::size_t left, std::size_t right) {
    const auto key = [this](std::size_t stage) {
      return std::make_tuple(-nodes_[stage].depth, -nodes_[stage].shape.weight);
    };
    return key(left) < key(right);
  });
  for (std::size_t rank = 0; rank < by_rank_.size(); ++rank) nodes_[by_rank_[rank]].rank = rank;
}

std::optional<std::size_t> DependencyGraph::find_stage(std::int64_t id) const {
  const auto found = positions_.find(id);
  if (found == positions_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::int64_t> DependencyGraph::find_task(TaskRef task) const {
  const auto stage = find_stage(task.stage);
  if (!stage || task.partition < 0 || task.partition >= nodes_[*stage].shape.tasks) return std::nullopt;
  return nodes_[*stage].first_task + task.partition;
}

std::size_t DependencyGraph::stage_of(std::int64_t task) const {
  const auto after = std::upper_bound(nodes_.begin(), nodes_.end(), task,
                                      [](std::int64_t number, const Node& node) { return number < node.first_task; });
  return static_cast<std::size_t>(after - nodes_.begin()) - 1;
}

TaskRef DependencyGraph::ref(std::int64_t task) const {
  const Node& node = nodes_[stage_of(task)];
  return {node.shape.id, task - node.first_task};
}

std::string DependencyGraph::task_name(std::int64_t task) const {
  const Node& node = nodes_[stage_of(task)];
  const std::string stage = node.shape.name.empty() ? stage_text(node.shape.id) : node.shape.name;
  return stage + ", partition " + std::to_string(task - node.first_task);
}

}  // namespace millpond
