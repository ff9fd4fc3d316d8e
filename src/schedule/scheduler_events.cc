#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "schedule/scheduler_impl.h"

namespace millpond {

Scheduler::Impl::Impl(DependencyGraph graph, SchedulerOptions options)
    : graph_(std::move(graph)),
      options_(options),
      progress_(graph_),
      queue_(graph_.nodes().size()),
      places_(graph_),
      stragglers_(graph_.nodes().size()),
      histories_(static_cast<std::size_t>(graph_.num_tasks())) {}

std::vector<Action> Scheduler::Impl::handle(const Event& event) {
  actions_.clear();
  std::visit([this](const auto& e) { on(e); }, event);
  apply_changes();
  if (started_ && !failed_since_ && !finished_) {
    find_late();
    dispatch();
    check_placement();
  }
  check_end();
  return std::exchange(actions_, {});
}

void Scheduler::Impl::on(const event::JobStarted&) {
  started_ = true;
  progress_.start();
}

void Scheduler::Impl::on(const event::TaskReused& e) {
  const auto task = graph_.find_task(e.task);
  if (!task || finished_ || failed_since_) return;
  const TaskState state = progress_.state(*task);
  if (state == TaskState::kAccepted) return;
  if (state == TaskState::kSkipped && started_) {
    // Consumers may have read the stage without it.
    actions_.push_back(action::Invalidate{e.task});
    return;
  }
  cancel_all(*task);
  progress_.accept(*task);
}

void Scheduler::Impl::on(const event::TaskHint& e) {
  if (const auto task = graph_.find_task(e.task)) places_.hint(*task, e.weight, e.node);
}

void Scheduler::Impl::on(const event::TaskFinished& e) {
  const auto found = attempts_.find(e.attempt);
  if (found == attempts_.end() || graph_.find_task(e.task) != found->second.task) {
    actions_.push_back(action::Drop{e.task, e.attempt});
    return;
  }
  const Attempt attempt = found->second;
  forget(found);
  pool_.give_back(attempt.worker, attempt.grant);
  if (attempt.live) --history(attempt.task).live;
  if (!attempt.live || finished_ || failed_since_) {
    actions_.push_back(action::Drop{e.task, e.attempt});
    return;
  }
  if (!e.status.is_ok()) {
    actions_.push_back(action::Drop{e.task, e.attempt});
    attempt_failed(e.attempt, attempt, e.status, e.worker_died);
    return;
  }
  actions_.push_back(action::Accept{e.task, e.attempt});
  cancel_all(attempt.task);
  // A later rerun, should the output be lost, begins with a clean slate; only what memory it takes stays known.
  errors_.erase(attempt.task);
  history(attempt.task).failures = 0;
  history(attempt.task).deaths = 0;
  stragglers_.add(graph_.stage_of(attempt.task), e.seconds / places_.weight(attempt.task));
  places_.add_output(attempt.task, pool_.node_of(attempt.worker), e.output_bytes);
  progress_.accept(attempt.task);
}

void Scheduler::Impl::on(const event::WorkerJoined& e) {
  if (pool_.contains(e.worker)) drop_worker(e.worker, "it was started again");
  pool_.add(e.worker, e.slots, e.resources, e.node);
}

void Scheduler::Impl::on(const event::WorkerDraining& e) { pool_.drain(e.worker); }

void Scheduler::Impl::on(const event::WorkerLost& e) { drop_worker(e.worker, e.reason); }

void Scheduler::Impl::on(const event::OutputLost& e) {
  const auto task = graph_.find_task(e.task);
  if (!task || finished_ || failed_since_) return;
  const std::size_t stage = graph_.stage_of(*task);
  for (auto& [number, attempt] : attempts_) {
    const DependencyGraph::Node& reader = graph_.node(graph_.stage_of(attempt.task));
    for (const DependencyGraph::Edge& edge : reader.inputs) {
      if (edge.stage != stage) continue;
      if (edge.kind == DependencyKind::kAll || attempt.task - reader.first_task == e.task.partition) {
        attempt.excused = true;
      }
    }
  }
  places_.remove_output(*task);
  if (!progress_.lose(*task)) return;
  if (++history(*task).losses <= options_.max_output_losses) return;
  fail_job(Status(StatusCode::kIoError,
                  "the output of " + graph_.task_name(*task) + " was lost " +
                      std::to_string(history(*task).losses) + " times",
                  "check the storage under data_root"),
           {});
}

void Scheduler::Impl::on(const event::StageSatisfied& e) {
  const auto stage = graph_.find_stage(e.stage);
  if (stage && !finished_ && !failed_since_) progress_.satisfy(*stage);
}

void Scheduler::Impl::on(const event::Tick& e) {
  clock_.tick(e.monotonic_ns);
  if (finished_ || failed_since_) return;
  while (!delayed_.empty() && delayed_.top().first <= clock_.now()) {
    const std::int64_t task = delayed_.top().second;
    delayed_.pop();
    if (progress_.state(task) == TaskState::kDelayed) progress_.requeue(task);
  }
  check_deadlines();
}

void Scheduler::Impl::on(const event::CancelRequested& e) {
  if (!finished_ && !failed_since_) fail_job(e.reason, {});
}

std::optional<std::int64_t> Scheduler::Impl::next_wakeup_ns() const {
  if (finished_) return std::nullopt;
  std::optional<std::int64_t> due;
  const auto consider = [&due](std::int64_t time) {
    if (!due || time < *due) due = time;
  };
  if (failed_since_) {
    consider(*failed_since_ + seconds_to_ns(options_.drain_seconds));
  } else {
    if (!delayed_.empty()) consider(delayed_.top().first);
    if (blocked_since_) consider(*blocked_since_ + seconds_to_ns(options_.placement_seconds));
    if (options_.task_deadline_seconds > 0) {
      const std::int64_t deadline = seconds_to_ns(options_.task_deadline_seconds);
      // By number is by start.
      const auto first = std::find_if(attempts_.begin(), attempts_.end(), [](const auto& e) { return e.second.live; });
      if (first != attempts_.end()) consider(first->second.started_ns + deadline);
    }
    if (may_speculate()) consider(std::max(next_look_ns_, clock_.now() + kNsPerSecond / 2));
  }
  if (!due) return std::nullopt;
  return clock_.driver_time(*due);
}

}  // namespace millpond
