#include "schedule/worker_pool.h"

#include <algorithm>
#include <tuple>

namespace millpond {

void WorkerPool::add(std::int64_t worker, std::int64_t slots, const Resources& resources) {
  slots = std::max<std::int64_t>(1, slots);
  workers_[worker] = Worker{slots, resources, slots, resources};
  free_slots_ += slots;
}

void WorkerPool::remove(std::int64_t worker) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  free_slots_ -= found->second.free_slots;
  workers_.erase(found);
  if (reserved_ == worker) reserved_.reset();
}

Grant WorkerPool::grant_of(const Worker& worker, const Demand& demand) {
  Grant grant{1, demand.resources};
  const std::int64_t memory = worker.total.memory_bytes;
  if (demand.escalation == 1) {
    grant.slots = std::min(worker.slots, std::max<std::int64_t>(2, (worker.slots + 1) / 2));
  } else if (demand.escalation >= 2) {
    grant.slots = worker.slots;
  }
  if (memory > 0) {
    const std::int64_t share = memory / worker.slots * grant.slots;
    std::int64_t& bytes = grant.resources.memory_bytes;
    if (demand.escalation == 1) bytes = std::max(share, bytes > memory / 2 ? memory : bytes * 2);
    if (demand.escalation >= 2) bytes = memory;
    if (bytes == 0) bytes = share;
    bytes = std::min(bytes, memory);
  }
  if (worker.total.threads > 0) grant.resources.threads = std::min(grant.resources.threads, worker.total.threads);
  return grant;
}

bool WorkerPool::fits(const Worker& worker, const Grant& grant) {
  const bool memory = worker.total.memory_bytes == 0 || grant.resources.memory_bytes <= worker.free.memory_bytes;
  const bool threads = worker.total.threads == 0 || grant.resources.threads <= worker.free.threads;
  // The slack forgives the rounding of adding and subtracting shares like 0.1.
  const bool gpus = grant.resources.gpus <= worker.free.gpus + 1e-9;
  return grant.slots <= worker.free_slots && memory && threads && gpus;
}

std::optional<WorkerPool::Choice> WorkerPool::choose(const Demand& demand, std::optional<std::int64_t> avoid) const {
  if (free_slots_ <= 0) return std::nullopt;
  std::optional<Choice> best;
  std::int64_t most = 0;
  for (const auto& [number, worker] : workers_) {
    if (number == avoid || number == reserved_ || worker.free_slots <= most) continue;
    const Grant grant = grant_of(worker, demand);
    if (!fits(worker, grant)) continue;
    best = Choice{number, grant};
    most = worker.free_slots;
  }
  return best;
}

std::optional<WorkerPool::Choice> WorkerPool::choose_on(std::int64_t number, const Demand& demand) const {
  const auto found = workers_.find(number);
  if (found == workers_.end()) return std::nullopt;
  const Grant grant = grant_of(found->second, demand);
  if (!fits(found->second, grant)) return std::nullopt;
  return Choice{number, grant};
}

std::optional<std::int64_t> WorkerPool::largest_for(const Demand& demand) const {
  std::optional<std::int64_t> best;
  std::tuple<std::int64_t, std::int64_t, std::int64_t> size{-1, -1, -1};
  for (const auto& [number, worker] : workers_) {
    if (demand.resources.gpus > worker.total.gpus + 1e-9) continue;
    const std::tuple candidate{worker.total.memory_bytes, worker.slots, worker.free_slots};
    if (candidate <= size) continue;
    best = number;
    size = candidate;
  }
  return best;
}

void WorkerPool::take(std::int64_t number, const Grant& grant) {
  Worker& worker = workers_.at(number);
  worker.free_slots -= grant.slots;
  worker.free.memory_bytes -= grant.resources.memory_bytes;
  worker.free.threads -= grant.resources.threads;
  worker.free.gpus -= grant.resources.gpus;
  free_slots_ -= grant.slots;
}

void WorkerPool::give_back(std::int64_t number, const Grant& grant) {
  const auto found = workers_.find(number);
  if (found == workers_.end()) return;
  Worker& worker = found->second;
  worker.free_slots += grant.slots;
  worker.free.memory_bytes += grant.resources.memory_bytes;
  worker.free.threads += grant.resources.threads;
  worker.free.gpus += grant.resources.gpus;
  free_slots_ += grant.slots;
}

bool WorkerPool::would_grow(std::int64_t number, const Demand& demand, const Grant& had) const {
  const auto found = workers_.find(number);
  if (found == workers_.end()) return true;
  const Grant next = grant_of(found->second, demand);
  return next.slots > had.slots || next.resources.memory_bytes > had.resources.memory_bytes;
}

}  // namespace millpond
