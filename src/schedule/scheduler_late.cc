#include <algorithm>

#include "schedule/scheduler_impl.h"

namespace millpond {
namespace {

// What runs much longer than the limit is judged by fewer tasks than usual: this part, and at least so many.
constexpr double kEarlyShare = 0.25;
constexpr double kEarlyTasks = 10;
// Of the limit, where the task's weight explains most of what it takes longer than others.
constexpr double kKnownShare = 0.8;
// Of the limit, where slots are idle and nothing waits for them.
constexpr double kTailShare = 0.4;
// Of one task at a time.
constexpr std::int64_t kMostAttempts = 3;
constexpr std::int64_t kLeastLookNs = kNsPerSecond / 2;

}  // namespace

bool Scheduler::Impl::may_speculate() const {
  return options_.speculation && pool_.size() > 1 && !attempts_.empty();
}

/// How many times its limit an attempt runs already, from 1 on; none when it isn't late or must not be copied.
std::optional<double> Scheduler::Impl::times_late(std::int64_t number, const Attempt& attempt) const {
  const TaskHistory& past = history(attempt.task);
  if (!attempt.live || past.live >= kMostAttempts || past.escalation > 0) return std::nullopt;
  // A copy on a slow machine may be late, too; until then nothing is gained by one more.
  if (past.live > 1 && attempts_of(attempt.task).back() != number) return std::nullopt;
  if (!progress_.has_inputs(attempt.task)) return std::nullopt;
  const std::size_t stage = graph_.stage_of(attempt.task);
  // A lost output is made again while everything that reads it stands still: two attempts, as soon as slots are idle.
  const bool awaited = past.losses > 0 && past.live == 1;
  const std::int64_t wanted = progress_.num_open(stage) + progress_.count(stage, TaskState::kAccepted);
  const double share = options_.speculation_quantile;
  const double fewest = std::min(share, kEarlyTasks / static_cast<double>(std::max<std::int64_t>(wanted, 1)));
  const auto early = stragglers_.limit(stage, wanted, std::max(share * kEarlyShare, fewest), options_);
  if (!early) return awaited ? std::optional<double>(1) : std::nullopt;
  const double seconds = static_cast<double>(clock_.now() - attempt.started_ns) / static_cast<double>(kNsPerSecond);
  const double weight = places_.weight(attempt.task) * (places_.has_weight(attempt.task) ? kKnownShare : 1);
  const double times = seconds / std::max(options_.speculation_min_seconds, *early * weight);
  if (awaited && times < kVeryLate) return 1;
  if (times >= kVeryLate) return times;
  if (!stragglers_.limit(stage, wanted, share, options_)) return std::nullopt;
  if (times > 1) return times;
  const bool enough = times > kTailShare && seconds > options_.speculation_min_seconds;
  return enough && past.live == 1 && is_tail(stage) ? std::optional<double>(1) : std::nullopt;
}

/// Whether the stage's last attempts alone hold up what comes next: one on a slow machine is found when its copy ends
/// sooner, so they are copied before they are late. Not on one machine, where a copy slows down the others, and not
/// beside `max_running`, which says that attempts cost something.
bool Scheduler::Impl::is_tail(std::size_t stage) const {
  return progress_.num_ready() == 0 && pool_.num_nodes() > 1 && graph_.node(stage).shape.max_running <= 0;
}

/// Looks through what runs. O(attempts), so only now and then.
void Scheduler::Impl::find_late() {
  if (!may_speculate() || clock_.now() < next_look_ns_) return;
  next_look_ns_ = clock_.now() + kLeastLookNs;
  late_.clear();
  for (const auto& [number, attempt] : attempts_) {
    if (const auto times = times_late(number, attempt)) late_.push_back({number, *times});
  }
  const auto later = [](const Late& left, const Late& right) { return left.times > right.times; };
  std::stable_sort(late_.begin(), late_.end(), later);
}

/// A copy of each attempt that is late by so much, on another worker, and on another node where there are several.
void Scheduler::Impl::copy_late(double times) {
  auto done = late_.begin();
  for (; done != late_.end() && done->times >= times && pool_.free_slots() > 0; ++done) {
    const auto found = attempts_.find(done->number);
    if (found == attempts_.end() || !times_late(found->first, found->second)) continue;
    const std::int64_t task = found->second.task;
    if (is_full(graph_.stage_of(task))) continue;
    std::vector<std::int64_t> avoid;
    for (const std::int64_t number : attempts_of(task)) avoid.push_back(attempts_.at(number).worker);
    const auto choice = pool_.choose(demand_of(task), avoid);
    if (choice) start(task, *choice, true);
  }
  late_.erase(late_.begin(), done);
}

}  // namespace millpond
