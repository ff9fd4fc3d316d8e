#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "millpond/result.h"
#include "schedule/events.h"
#include "schedule/stage_shape.h"

namespace millpond {

/// The stages by position, checked, with edges in both directions and the order in which they are preferred.
class DependencyGraph {
 public:
  struct Edge {
    std::size_t stage = 0;  ///< Position of the other stage.
    DependencyKind kind = DependencyKind::kAll;
  };
  struct Node {
    StageShape shape;
    std::vector<Edge> inputs;
    std::vector<Edge> consumers;
    std::int64_t first_task = 0;  ///< Flat number of partition 0.
    std::int64_t depth = 0;       ///< Longest way from a source.
    std::size_t rank = 0;         ///< Place in the start order: deeper, then heavier, then as given.
  };

  static Result<DependencyGraph> create(std::vector<StageShape> stages);

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(std::size_t stage) const { return nodes_[stage]; }
  /// Positions, producers before consumers.
  const std::vector<std::size_t>& topological() const { return topological_; }
  /// Positions by rank.
  const std::vector<std::size_t>& by_rank() const { return by_rank_; }
  std::int64_t num_tasks() const { return num_tasks_; }

  std::optional<std::size_t> find_stage(std::int64_t id) const;
  /// The flat number; none when the job has no such task.
  std::optional<std::int64_t> find_task(TaskRef task) const;
  /// Position of the stage of a flat number. O(log stages).
  std::size_t stage_of(std::int64_t task) const;
  TaskRef ref(std::int64_t task) const;
  /// "stage 2 (hash ticker), partition 7".
  std::string task_name(std::int64_t task) const;

 private:
  Status link();
  Status sort();
  void rank();

  std::vector<Node> nodes_;
  std::vector<std::size_t> topological_;
  std::vector<std::size_t> by_rank_;
  std::unordered_map<std::int64_t, std::size_t> positions_;
  std::int64_t num_tasks_ = 0;
};

}  // namespace millpond
