#include "schedule/ready_queue.h"

#include <algorithm>

namespace millpond {

void ReadyQueue::push(std::size_t rank, std::int64_t task, double weight, std::int64_t node) {
  Heap& heap = ranks_[rank][node];
  filled_.insert(rank);
  heap.push_back({static_cast<float>(weight), task});
  std::push_heap(heap.begin(), heap.end());
}

std::optional<std::size_t> ReadyQueue::next_rank(std::size_t rank) const {
  const auto found = filled_.lower_bound(rank);
  if (found == filled_.end()) return std::nullopt;
  return *found;
}

bool ReadyQueue::has_local(std::size_t rank, std::int64_t node) const { return ranks_[rank].contains(node); }

bool ReadyQueue::has_local(std::size_t rank) const {
  return !ranks_[rank].empty() && ranks_[rank].rbegin()->first != kAnywhere;
}

std::int64_t ReadyQueue::source_for(std::size_t rank, std::int64_t node) const {
  const auto& heaps = ranks_[rank];
  if (heaps.contains(node)) return node;
  if (heaps.contains(kAnywhere)) return kAnywhere;
  const auto longest = std::max_element(heaps.begin(), heaps.end(), [](const auto& left, const auto& right) {
    return left.second.size() < right.second.size();
  });
  return longest->first;
}

void ReadyQueue::pop(std::size_t rank, std::int64_t source) {
  const auto found = ranks_[rank].find(source);
  Heap& heap = found->second;
  std::pop_heap(heap.begin(), heap.end());
  heap.pop_back();
  if (!heap.empty()) return;
  ranks_[rank].erase(found);
  if (ranks_[rank].empty()) filled_.erase(rank);
}

}  // namespace millpond
