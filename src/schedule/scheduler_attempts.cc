#include <algorithm>
#include <string>
#include <utility>

#include "schedule/scheduler_impl.h"

namespace millpond {

void Scheduler::Impl::start(std::int64_t task, const WorkerPool::Choice& choice, bool speculative) {
  const std::int64_t number = ++last_attempt_;
  pool_.take(choice.worker, choice.grant);
  attempts_.emplace(number, Attempt{task, choice.worker, choice.grant, clock_.now(), true, false, speculative});
  attempts_by_task_.emplace(task, number);
  ++history(task).live;
  if (progress_.state(task) != TaskState::kRunning) progress_.set_running(task);
  actions_.push_back(action::Start{graph_.ref(task), number, choice.worker, choice.grant.resources});
}

void Scheduler::Impl::cancel(std::int64_t number, Attempt& attempt) {
  attempt.live = false;
  --history(attempt.task).live;
  actions_.push_back(action::Cancel{graph_.ref(attempt.task), number});
}

void Scheduler::Impl::cancel_all(std::int64_t task) {
  if (history(task).live == 0) return;
  for (const std::int64_t number : attempts_of(task)) {
    Attempt& attempt = attempts_.at(number);
    if (attempt.live) cancel(number, attempt);
  }
}

std::vector<std::int64_t> Scheduler::Impl::attempts_of(std::int64_t task) const {
  std::vector<std::int64_t> numbers;
  for (auto entry = attempts_by_task_.lower_bound({task, 0});
       entry != attempts_by_task_.end() && entry->first == task; ++entry) {
    numbers.push_back(entry->second);
  }
  return numbers;
}

void Scheduler::Impl::forget(std::map<std::int64_t, Attempt>::iterator attempt) {
  attempts_by_task_.erase({attempt->second.task, attempt->first});
  attempts_.erase(attempt);
}

/// The attempt no longer is among the live ones.
void Scheduler::Impl::attempt_failed(std::int64_t number, const Attempt& attempt, const Status& status,
                                     bool worker_died) {
  const std::int64_t task = attempt.task;
  TaskHistory& past = history(task);
  Verdict verdict = Verdict::kRetryNow;
  if (!attempt.excused) {
    const bool memory = status.code() == StatusCode::kOutOfMemory;
    if (memory) memory_tried_[task] = attempt.grant.resources.memory_bytes;
    errors_[task].push_back({number, memory ? out_of_memory_advice(attempt, status) : status});
    verdict = judge(options_, status, worker_died, next_escalation(attempt), past);
  }
  if (verdict == Verdict::kFail) return fail_task(task);
  if (past.live > 0) return;
  if (verdict == Verdict::kRetryNow) return progress_.requeue(task);
  progress_.set_delayed(task);
  delayed_.emplace(clock_.now() + seconds_to_ns(retry_delay_seconds(options_, past.failures, number)), task);
}

/// The next step that would give the task more than it had; at least one further attempt alone on a worker, and then as
/// long as there is a worker with more memory.
std::int64_t Scheduler::Impl::next_escalation(const Attempt& attempt) const {
  constexpr std::int64_t kMost = 200;  // A byte holds it.
  Demand demand = demand_of(attempt.task);
  if (demand.escalation >= kWholeWorker) {
    const bool more = pool_.has_more_memory(attempt.grant.resources.memory_bytes);
    return more ? std::min(demand.escalation + 1, kMost) : demand.escalation;
  }
  while (demand.escalation < kWholeWorker) {
    ++demand.escalation;
    if (pool_.would_grow(attempt.worker, demand, attempt.grant)) break;
  }
  return demand.escalation;
}

/// What the user can do, unless the one who reports it knows better.
Status Scheduler::Impl::out_of_memory_advice(const Attempt& attempt, const Status& status) const {
  if (!status.hint().empty()) return status;
  const std::int64_t bytes = attempt.grant.resources.memory_bytes;
  const std::string had = bytes > 0 ? "it had " + std::to_string(bytes / 1'000'000) + " MB; " : "";
  return Status(status.code(), status.message(),
                had + "make the tasks smaller with more partitions, or give them workers with more memory")
      .with_context(status.context());
}

void Scheduler::Impl::drop_worker(std::int64_t worker, const std::string& reason) {
  if (!pool_.contains(worker)) return;
  pool_.remove(worker);
  std::vector<std::pair<std::int64_t, Attempt>> lost;
  for (const auto& entry : attempts_) {
    if (entry.second.worker == worker) lost.push_back(entry);
  }
  // All are taken out first: a failure of one may end the job and cancel whatever is left.
  for (const auto& [number, attempt] : lost) {
    forget(attempts_.find(number));
    if (attempt.live) --history(attempt.task).live;
    actions_.push_back(action::Drop{graph_.ref(attempt.task), number});
  }
  const Status status(StatusCode::kUnavailable,
                      "worker " + std::to_string(worker) + " was lost" + (reason.empty() ? "" : ": " + reason));
  for (const auto& [number, attempt] : lost) {
    if (attempt.live && !failed_since_ && !finished_) attempt_failed(number, attempt, status, true);
  }
}

void Scheduler::Impl::check_deadlines() {
  if (options_.task_deadline_seconds <= 0) return;
  const std::int64_t limit = seconds_to_ns(options_.task_deadline_seconds);
  std::vector<std::pair<std::int64_t, Attempt>> late;
  for (auto& [number, attempt] : attempts_) {
    if (clock_.now() - attempt.started_ns < limit) break;  // By number is by start.
    if (!attempt.live) continue;
    cancel(number, attempt);
    late.emplace_back(number, attempt);
  }
  std::string seconds = std::to_string(options_.task_deadline_seconds);
  seconds.erase(seconds.find_last_not_of('0') + 1);
  if (seconds.back() == '.') seconds.pop_back();
  for (const auto& [number, attempt] : late) {
    if (failed_since_) return;
    const Status status(StatusCode::kDeadlineExceeded, "the task ran longer than " + seconds + " seconds",
                        "raise task_deadline_seconds, or make the tasks smaller with more partitions");
    attempt_failed(number, attempt, status, false);
  }
}

}  // namespace millpond
