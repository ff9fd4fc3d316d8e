#include "schedule/worker_pool.h"

#include <algorithm>
#include <tuple>

namespace millpond {
namespace {

// Forgives the rounding of adding and subtracting shares like 0.1.
constexpr double kSlack = 1e-9;

double amount(const std::map<std::string, double>& custom, const std::string& name) {
  const auto found = custom.find(name);
  return found == custom.end() ? 0 : found->second;
}

bool has_custom(const Resources& has, const Resources& wanted) {
  return std::all_of(wanted.custom.begin(), wanted.custom.end(), [&has](const auto& entry) {
    return entry.second <= amount(has.custom, entry.first) + kSlack;
  });
}

void subtract(Resources& from, const Resources& what, int sign) {
  from.memory_bytes -= sign * what.memory_bytes;
  from.threads -= sign * what.threads;
  from.gpus -= sign * what.gpus;
  for (const auto& [name, wanted] : what.custom) from.custom[name] -= sign * wanted;
}

std::string number_text(double number) {
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

void WorkerPool::add(std::int64_t number, std::int64_t slots, const Resources& resources, std::int64_t node) {
  slots = std::max<std::int64_t>(1, slots);
  node = std::max<std::int64_t>(0, node);
  const auto [entry, is_new] = workers_.emplace(number, Worker{slots, resources, slots, resources, node, false});
  if (!is_new) return;
  ++workers_of_node_[node];
  nodes_[node];
  free_slots_ += slots;
  list(number, entry->second);
}

void WorkerPool::remove(std::int64_t number) {
  const auto found = workers_.find(number);
  if (found == workers_.end()) return;
  const Worker& worker = found->second;
  unlist(number, worker);
  if (!worker.draining) free_slots_ -= worker.free_slots;
  if (--workers_of_node_[worker.node] == 0) {
    workers_of_node_.erase(worker.node);
    nodes_.erase(worker.node);
  }
  reserved_.erase(number);
  workers_.erase(found);
}

void WorkerPool::drain(std::int64_t number) {
  const auto found = workers_.find(number);
  if (found == workers_.end() || found->second.draining) return;
  unlist(number, found->second);
  found->second.draining = true;
  free_slots_ -= found->second.free_slots;
}

std::int64_t WorkerPool::node_of(std::int64_t number) const {
  const auto found = workers_.find(number);
  return found == workers_.end() ? -1 : found->second.node;
}

bool WorkerPool::is_open(std::int64_t number, const Worker& worker) const {
  return worker.free_slots > 0 && !worker.draining && !reserved_.contains(number);
}

void WorkerPool::unlist(std::int64_t number, const Worker& worker) {
  if (!is_open(number, worker)) return;
  by_free_.erase({-worker.free_slots, number});
  nodes_[worker.node].erase({-worker.free_slots, number});
}

void WorkerPool::list(std::int64_t number, const Worker& worker) {
  if (!is_open(number, worker)) return;
  by_free_.insert({-worker.free_slots, number});
  nodes_[worker.node].insert({-worker.free_slots, number});
}

Grant WorkerPool::grant_of(const Worker& worker, const Demand& demand) {
  Grant grant{1, demand.resources};
  const std::int64_t memory = worker.total.memory_bytes;
  if (demand.escalation == 1) {
    grant.slots = std::min(worker.slots, std::max<std::int64_t>(2, (worker.slots + 1) / 2));
  } else if (demand.escalation >= kWholeWorker) {
    grant.slots = worker.slots;
  }
  if (memory > 0) {
    const std::int64_t share = memory / worker.slots * grant.slots;
    std::int64_t& bytes = grant.resources.memory_bytes;
    if (demand.escalation == 1) bytes = std::max(share, bytes > memory / 2 ? memory : bytes * 2);
    if (demand.escalation >= kWholeWorker) bytes = memory;
    if (bytes == 0) bytes = share;
    bytes = std::min(bytes, memory);
  }
  if (worker.total.threads > 0) grant.resources.threads = std::min(grant.resources.threads, worker.total.threads);
  return grant;
}

bool WorkerPool::fits(const Worker& worker, const Grant& grant) {
  const bool memory = worker.total.memory_bytes == 0 || grant.resources.memory_bytes <= worker.free.memory_bytes;
  const bool threads = worker.total.threads == 0 || grant.resources.threads <= worker.free.threads;
  const bool gpus = grant.resources.gpus <= worker.free.gpus + kSlack;
  return grant.slots <= worker.free_slots && memory && threads && gpus && has_custom(worker.free, grant.resources);
}

bool WorkerPool::could_hold(const Worker& worker, const Demand& demand) {
  return !worker.draining && demand.resources.gpus <= worker.total.gpus + kSlack &&
         has_custom(worker.total, demand.resources);
}

std::optional<WorkerPool::Choice> WorkerPool::choose_from(const Order& order, const Demand& demand,
                                                          const std::vector<std::int64_t>& avoid) const {
  const std::int64_t memory = demand.resources.memory_bytes;
  const auto avoided = [&](std::int64_t number, std::int64_t node) {
    return std::any_of(avoid.begin(), avoid.end(), [&](std::int64_t other) {
      return other == number || (nodes_.size() > 1 && node_of(other) == node);
    });
  };
  std::optional<Choice> clamped;
  for (const auto& [minus_free, number] : order) {
    const Worker& worker = workers_.at(number);
    if (avoided(number, worker.node)) continue;
    const bool small = worker.total.memory_bytes > 0 && worker.total.memory_bytes < memory;
    if (small && clamped) continue;
    Grant grant = grant_of(worker, demand);
    if (!fits(worker, grant)) continue;
    if (!small) return Choice{number, std::move(grant)};
    clamped = Choice{number, std::move(grant)};
  }
  // A larger one may be busy.
  if (clamped && has_more_memory(memory - 1)) return std::nullopt;
  return clamped;
}

std::optional<WorkerPool::Choice> WorkerPool::choose(const Demand& demand,
                                                     const std::vector<std::int64_t>& avoid) const {
  return choose_from(by_free_, demand, avoid);
}

std::optional<WorkerPool::Choice> WorkerPool::choose_near(std::int64_t node, const Demand& demand) const {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return std::nullopt;
  return choose_from(found->second, demand, {});
}

std::optional<WorkerPool::Choice> WorkerPool::choose_on(std::int64_t number, const Demand& demand) const {
  const auto found = workers_.find(number);
  if (found == workers_.end() || found->second.draining) return std::nullopt;
  Grant grant = grant_of(found->second, demand);
  if (!fits(found->second, grant)) return std::nullopt;
  return Choice{number, std::move(grant)};
}

std::optional<std::int64_t> WorkerPool::largest_for(const Demand& demand) const {
  std::optional<std::int64_t> best;
  std::tuple<std::int64_t, std::int64_t, std::int64_t> size{-1, -1, -1};
  bool larger_reserved = false;
  for (const auto& [number, worker] : workers_) {
    if (!could_hold(worker, demand)) continue;
    if (reserved_.contains(number)) {
      larger_reserved = larger_reserved || worker.total.memory_bytes > demand.memory_tried;
      continue;
    }
    const std::tuple candidate{worker.total.memory_bytes, worker.slots, worker.free_slots};
    if (candidate <= size) continue;
    best = number;
    size = candidate;
  }
  if (best && larger_reserved && std::get<0>(size) <= demand.memory_tried) return std::nullopt;
  return best;
}

void WorkerPool::reserve(std::int64_t number) {
  const auto found = workers_.find(number);
  if (found == workers_.end()) return;
  unlist(number, found->second);
  reserved_.insert(number);
}

void WorkerPool::release(std::int64_t number) {
  if (reserved_.erase(number) > 0) list(number, workers_.at(number));
}

void WorkerPool::take(std::int64_t number, const Grant& grant) {
  Worker& worker = workers_.at(number);
  unlist(number, worker);
  worker.free_slots -= grant.slots;
  subtract(worker.free, grant.resources, 1);
  if (!worker.draining) free_slots_ -= grant.slots;
  list(number, worker);
}

void WorkerPool::give_back(std::int64_t number, const Grant& grant) {
  const auto found = workers_.find(number);
  if (found == workers_.end()) return;
  Worker& worker = found->second;
  unlist(number, worker);
  worker.free_slots += grant.slots;
  subtract(worker.free, grant.resources, -1);
  if (!worker.draining) free_slots_ += grant.slots;
  list(number, worker);
}

bool WorkerPool::would_grow(std::int64_t number, const Demand& demand, const Grant& had) const {
  const auto found = workers_.find(number);
  if (found == workers_.end()) return true;
  const Grant next = grant_of(found->second, demand);
  return next.slots > had.slots || next.resources.memory_bytes > had.resources.memory_bytes;
}

bool WorkerPool::has_more_memory(std::int64_t bytes) const {
  return std::any_of(workers_.begin(), workers_.end(), [bytes](const auto& entry) {
    return !entry.second.draining && entry.second.total.memory_bytes > bytes;
  });
}

std::string WorkerPool::lacking(const Demand& demand) const {
  const auto fitting = [&demand](const auto& entry) { return could_hold(entry.second, demand); };
  if (std::any_of(workers_.begin(), workers_.end(), fitting)) return {};
  std::string text;
  if (demand.resources.gpus > 0) text = number_text(demand.resources.gpus) + " gpus";
  for (const auto& [name, wanted] : demand.resources.custom) {
    text += (text.empty() ? "" : ", ") + number_text(wanted) + " " + name;
  }
  return text;
}

}  // namespace millpond
