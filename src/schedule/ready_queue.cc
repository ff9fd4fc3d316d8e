#include "schedule/ready_queue.h"

#include <algorithm>
#include <functional>

namespace millpond {

void ReadyQueue::push(std::size_t rank, std::int64_t task) {
  std::vector<std::int64_t>& heap = heaps_[rank];
  if (heap.empty()) filled_.insert(rank);
  heap.push_back(task);
  std::push_heap(heap.begin(), heap.end(), std::greater<>());
}

std::optional<std::size_t> ReadyQueue::next_rank(std::size_t rank) const {
  const auto found = filled_.lower_bound(rank);
  if (found == filled_.end()) return std::nullopt;
  return *found;
}

void ReadyQueue::pop(std::size_t rank) {
  std::vector<std::int64_t>& heap = heaps_[rank];
  std::pop_heap(heap.begin(), heap.end(), std::greater<>());
  heap.pop_back();
  if (heap.empty()) filled_.erase(rank);
}

}  // namespace millpond
