#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <vector>

namespace millpond {

/// Ready tasks by stage rank, then partition; beside them, in order of arrival, the escalated ones that need a large
/// part of a worker. Entries may be stale: the owner checks a task's state when it takes it.
class ReadyQueue {
 public:
  explicit ReadyQueue(std::size_t num_stages) : heaps_(num_stages) {}

  void push(std::size_t rank, std::int64_t task);
  /// The first rank with tasks at or after `rank`.
  std::optional<std::size_t> next_rank(std::size_t rank) const;
  std::int64_t top(std::size_t rank) const { return heaps_[rank].front(); }
  void pop(std::size_t rank);

  void push_escalated(std::int64_t task) { escalated_.push_back(task); }
  bool has_escalated() const { return !escalated_.empty(); }
  std::int64_t top_escalated() const { return escalated_.front(); }
  void pop_escalated() { escalated_.pop_front(); }

 private:
  std::vector<std::vector<std::int64_t>> heaps_;  // By rank; the smallest task first.
  std::set<std::size_t> filled_;
  std::deque<std::int64_t> escalated_;
};

}  // namespace millpond
