#include "simulation/virtual_nodes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace millpond {
namespace {

// A reduce fetches its input in the first half of its run.
constexpr double kFetchShare = 0.5;
constexpr double kSecondsPerDay = 86400;
// How long a cancelled attempt takes to stop.
constexpr double kCancelSeconds = 0.1;

double uniform(std::uint64_t bits) { return (static_cast<double>(bits >> 11) + 0.5) * 0x1.0p-53; }

double slowdown(SeededRandom& random) {
  const bool far = random.uniform() < 0.1;
  return far ? 2.5 + 7.5 * random.uniform() : 1.5 + random.uniform();
}

}  // namespace

VirtualNodes::VirtualNodes(const ShuffleOptions& options)
    : options_(options), random_(options.seed), alive_(static_cast<std::size_t>(options.nodes), true) {
  for (std::int64_t node = 0; node < options_.nodes; ++node) draw_death(node);
}

void VirtualNodes::schedule(double due, Happening what, std::int64_t number) {
  events_.push({due, ++order_, what, number});
}

void VirtualNodes::draw_death(std::int64_t node) {
  if (options_.node_losses_a_day <= 0) return;
  const double wait = -std::log(uniform(random_.next())) * kSecondsPerDay / options_.node_losses_a_day;
  schedule(now_ + wait, Happening::kNodeDies, node);
}

std::optional<double> VirtualNodes::next_due() const {
  if (events_.empty()) return std::nullopt;
  return events_.top().due;
}

VirtualNodes::Event VirtualNodes::take() {
  const Event event = events_.top();
  events_.pop();
  return event;
}

/// By Box and Muller, and a function of the task: a copy has as much to do.
double VirtualNodes::normal(TaskRef task, std::uint64_t salt) const {
  const std::uint64_t key = splitmix64(splitmix64(options_.seed + salt) + static_cast<std::uint64_t>(task.partition)) +
                            static_cast<std::uint64_t>(task.stage);
  const double radius = std::sqrt(-2 * std::log(uniform(splitmix64(key))));
  return radius * std::cos(2 * std::numbers::pi * uniform(splitmix64(splitmix64(key))));
}

double VirtualNodes::work_of(TaskRef task) const {
  return options_.seconds * std::exp(options_.skew * normal(task, 1));
}

double VirtualNodes::weight_of(TaskRef task) const {
  return work_of(task) * std::exp(options_.hint_noise * normal(task, 2));
}

std::int64_t VirtualNodes::input_node_of(TaskRef task) const {
  const std::uint64_t bits = splitmix64(options_.seed * 31 + static_cast<std::uint64_t>(task.partition));
  return static_cast<std::int64_t>(bits % static_cast<std::uint64_t>(options_.nodes));
}

void VirtualNodes::start(TaskRef task, std::int64_t number, std::int64_t node) {
  RunningAttempt attempt{task, number, node, now_, work_of(task)};
  attempt.seconds = attempt.work;
  attempt.slow = random_.uniform() < options_.slow;
  if (attempt.slow) attempt.seconds *= slowdown(random_);
  attempt.fails = random_.uniform() < options_.fails;
  attempt.worker_dies = !attempt.fails && random_.uniform() < options_.worker_dies;
  if (attempt.fails || attempt.worker_dies) attempt.seconds *= random_.uniform();
  attempt.blocked = reads_from_nodes(task) && num_unnoticed_ > 0;
  if (!is_alive(node)) attempt.frozen = now_;
  if (is_alive(node)) schedule(now_ + attempt.seconds, Happening::kAttemptEnds, number);
  running_.emplace(number, attempt);
}

bool VirtualNodes::reads_from_nodes(TaskRef task) const { return task.stage == 1 && options_.shared_exchange == 0; }

void VirtualNodes::cancel(std::int64_t number) {
  const auto found = running_.find(number);
  if (found == running_.end() || found->second.frozen >= 0) return;
  schedule(now_ + kCancelSeconds, Happening::kAttemptEnds, number);
}

std::optional<RunningAttempt> VirtualNodes::take_attempt(std::int64_t number) {
  const auto found = running_.find(number);
  if (found == running_.end() || found->second.frozen >= 0) return std::nullopt;
  // One that waits for a lost output has not ended, though its time is up.
  if (found->second.blocked) return std::nullopt;
  const RunningAttempt attempt = found->second;
  running_.erase(found);
  return attempt;
}

void VirtualNodes::kill(std::int64_t node) {
  alive_[static_cast<std::size_t>(node)] = false;
  ++num_unnoticed_;
  schedule(now_ + options_.detection_seconds, Happening::kNodeDetected, node);
  schedule(now_ + options_.node_returns_seconds, Happening::kNodeJoins, node);
  for (auto& [number, attempt] : running_) {
    if (attempt.node == node) {
      if (attempt.frozen < 0) attempt.frozen = now_;
    } else if (reads_from_nodes(attempt.task) && now_ < attempt.started + kFetchShare * attempt.seconds) {
      attempt.blocked = true;
    }
  }
}

std::vector<RunningAttempt> VirtualNodes::take_dead(std::int64_t node) {
  std::vector<RunningAttempt> dead;
  std::erase_if(running_, [&](const auto& entry) {
    if (entry.second.node != node || entry.second.frozen < 0) return false;
    dead.push_back(entry.second);
    return true;
  });
  return dead;
}

void VirtualNodes::fail_blocked() {
  --num_unnoticed_;
  std::vector<std::int64_t> blocked;
  for (auto& [number, attempt] : running_) {
    if (!attempt.blocked || attempt.frozen >= 0) continue;
    attempt.blocked = false;
    attempt.fails = true;
    blocked.push_back(number);
  }
  std::sort(blocked.begin(), blocked.end());
  for (const std::int64_t number : blocked) schedule(now_, Happening::kAttemptEnds, number);
}

std::vector<TaskRef> VirtualNodes::fetched() const {
  std::vector<TaskRef> tasks;
  for (const auto& [number, attempt] : running_) {
    if (attempt.task.stage == 1 && attempt.frozen < 0 && !attempt.blocked && !attempt.fails && !attempt.worker_dies) {
      tasks.push_back(attempt.task);
    }
  }
  return tasks;
}

void VirtualNodes::join(std::int64_t node) {
  alive_[static_cast<std::size_t>(node)] = true;
  draw_death(node);
}

}  // namespace millpond
