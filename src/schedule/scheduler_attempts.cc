#include <string>
#include <utility>

#include "schedule/scheduler_impl.h"

namespace millpond {

void Scheduler::Impl::start(std::int64_t task, const WorkerPool::Choice& choice, bool speculative) {
  const std::int64_t number = ++last_attempt_;
  pool_.take(choice.worker, choice.grant);
  attempts_.emplace(number, Attempt{task, choice.worker, choice.grant, clock_.now(), true, false, speculative});
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
  for (auto& [number, attempt] : attempts_) {
    if (attempt.task == task && attempt.live) cancel(number, attempt);
  }
}

/// The attempt no longer is among the live ones.
void Scheduler::Impl::attempt_failed(std::int64_t number, const Attempt& attempt, const Status& status,
                                     bool worker_died) {
  const std::int64_t task = attempt.task;
  TaskHistory& past = history(task);
  Verdict verdict = Verdict::kRetryNow;
  if (!attempt.excused) {
    errors_[task].push_back({number, status});
    verdict = judge(options_, status, worker_died, next_escalation(attempt), past);
  }
  if (verdict == Verdict::kFail) return fail_task(task);
  if (past.live > 0) return;
  if (verdict == Verdict::kRetryNow) return progress_.requeue(task);
  progress_.set_delayed(task);
  delayed_.emplace(clock_.now() + seconds_to_ns(retry_delay_seconds(options_, past.failures, number)), task);
}

/// The next step that would give the task more than it had; at least one further attempt alone on a worker.
std::int64_t Scheduler::Impl::next_escalation(const Attempt& attempt) const {
  Demand demand = demand_of(attempt.task);
  while (demand.escalation < kMaxEscalation) {
    ++demand.escalation;
    if (pool_.would_grow(attempt.worker, demand, attempt.grant)) break;
  }
  return demand.escalation;
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
    attempts_.erase(number);
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
    if (!attempt.live || clock_.now() - attempt.started_ns < limit) continue;
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
