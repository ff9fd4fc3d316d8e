#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "schedule/task_places.h"

namespace millpond {

/// Ready tasks by stage rank, then weight, then partition, apart for each node that they would rather run on.
/// Entries may be stale: the owner checks a task's state when it takes it.
class ReadyQueue {
 public:
  explicit ReadyQueue(std::size_t num_stages) : ranks_(num_stages) {}

  /// O(log tasks).
  void push(std::size_t rank, std::int64_t task, double weight = 1, std::int64_t node = kAnywhere);
  /// The first rank with tasks at or after `rank`.
  std::optional<std::size_t> next_rank(std::size_t rank) const;
  /// Whether tasks of the rank would rather run on the node; on any certain node.
  bool has_local(std::size_t rank, std::int64_t node) const;
  bool has_local(std::size_t rank) const;
  /// Where a worker of the node should take a task of the rank from: from its own tasks, from those for anywhere, or
  /// else from the node with the most waiting. The rank is not empty. O(nodes) in the last case.
  std::int64_t source_for(std::size_t rank, std::int64_t node) const;
  std::int64_t top(std::size_t rank, std::int64_t source) const { return ranks_[rank].at(source).front().task; }
  void pop(std::size_t rank, std::int64_t source);

 private:
  struct Entry {
    float weight = 1;
    std::int64_t task = 0;
    /// The heap's top is the greatest: the heaviest, then the first partition.
    bool operator<(const Entry& other) const {
      return weight != other.weight ? weight < other.weight : task > other.task;
    }
  };
  using Heap = std::vector<Entry>;

  std::vector<std::map<std::int64_t, Heap>> ranks_;  // By node; no heap is empty.
  std::set<std::size_t> filled_;
};

}  // namespace millpond
