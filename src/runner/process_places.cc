#include "runner/process_places.h"

#include <algorithm>
#include <utility>

#include "runner/attempt_guard.h"
#include "runner/gpu_numbers.h"
#include "runner/process_pool.h"

namespace millpond {
namespace {

/// DuckDB wants this much memory a thread to sort and aggregate beyond memory.
constexpr std::int64_t kLeastMemory = 128'000'000;

std::int64_t usual_memory(const RunnerPlace& place) {
  const std::int64_t memory = place.resources.memory_bytes;
  return memory == 0 ? 0 : std::max(memory / std::max<std::int64_t>(place.slots, 1), kLeastMemory);
}

bool is_alike(const WorkerShare& one, const WorkerShare& other) {
  return one.node == other.node && one.memory_bytes == other.memory_bytes && one.gpus == other.gpus;
}

RunnerPlace place_at(const WorkerHost& host) {
  Resources resources{host.slots, host.memory_bytes, host.gpus, host.resources};
  return {host.node, host.slots, std::move(resources), host.is_draining};
}

}  // namespace

std::vector<std::string> command_with(const ProcessRunnerOptions& options, const WorkerShare& share) {
  std::vector<std::string> command = options.command;
  if (share.memory_bytes > 0) {
    command.insert(command.end(), {"--memory-limit", std::to_string(share.memory_bytes)});
  }
  // Where there are gpus, a worker sees those that its tasks asked for and no others.
  if (options.gpus > 0) {
    std::string numbers;
    for (const int number : share.gpu_numbers) numbers += (numbers.empty() ? "" : ",") + std::to_string(number);
    command.insert(command.end(), {"--gpus", numbers});
  }
  return command;
}

std::int64_t ProcessPool::slots() const {
  if (!options_.launcher) return options_.slots;
  std::int64_t slots = 0;
  for (const WorkerHost& host : options_.launcher->hosts()) slots += host.is_draining ? 0 : host.slots;
  return std::max<std::int64_t>(slots, 1);
}

std::vector<RunnerPlace> ProcessPool::places() {
  if (!options_.launcher) {
    Resources resources{options_.slots, options_.memory_bytes, options_.gpus, options_.resources};
    return {{0, options_.slots, std::move(resources), false}};
  }
  std::vector<RunnerPlace> places;
  std::lock_guard lock(forsaken_mutex_);
  for (const WorkerHost& host : options_.launcher->hosts()) {
    if (!forsaken_.contains(host.node)) places.push_back(place_at(host));
  }
  return places;
}

void ProcessPool::follow_places() { places_ = places(); }

/// No worker can be started there: others do its work.
void ProcessPool::forsake(std::int64_t node) {
  {
    std::lock_guard lock(forsaken_mutex_);
    forsaken_.insert(node);
  }
  follow_places();
}

const RunnerPlace* ProcessPool::place_of(const Order& order) const {
  if (order.node == kAnyPlace) return places_.empty() ? nullptr : &places_.front();
  const auto found =
      std::find_if(places_.begin(), places_.end(), [&](const RunnerPlace& place) { return place.node == order.node; });
  return found == places_.end() ? nullptr : &*found;
}

WorkerShare ProcessPool::share_for(const Task& task, const RunnerPlace& place) const {
  WorkerShare share;
  share.node = place.node;
  const std::int64_t usual = usual_memory(place);
  if (usual > 0) share.memory_bytes = std::max(task.resources.memory_bytes, usual);
  share.gpus = task.resources.gpus;
  return share;
}

WorkerProcess* ProcessPool::idle_for(const Order& order) {
  const RunnerPlace* place = place_of(order);
  if (place == nullptr) return nullptr;
  const WorkerShare wanted = share_for(order.task, *place);
  for (WorkerProcess& worker : workers_) {
    if (worker.state() == State::kIdle && is_alike(worker.share(), wanted)) return &worker;
  }
  return nullptr;
}

bool ProcessPool::make_room(const RunnerPlace& place, WorkerShare& share, Time now) {
  std::int64_t memory = share.memory_bytes;
  std::int64_t workers = 1;
  std::vector<std::pair<double, std::vector<int>>> gpus;
  WorkerProcess* idle = nullptr;
  for (WorkerProcess& worker : workers_) {
    if (worker.share().node != share.node || worker.state() == State::kEnded) continue;
    memory += worker.share().memory_bytes;
    ++workers;
    if (worker.share().gpus > 0) gpus.emplace_back(worker.share().gpus, worker.share().gpu_numbers);
    if (worker.state() == State::kIdle) idle = &worker;
  }
  const std::int64_t all = std::max(place.resources.memory_bytes, usual_memory(place) * place.slots);
  auto numbers = GpuNumbers(place.resources.gpus, gpus).choose(share.gpus);
  if (numbers) share.gpu_numbers = std::move(*numbers);
  if (workers == 1 || (numbers && workers <= place.slots && memory <= all)) return true;
  if (idle != nullptr) idle->dismiss(now);
  return false;
}

}  // namespace millpond
