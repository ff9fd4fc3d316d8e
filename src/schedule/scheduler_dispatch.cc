#include <string>
#include <utility>

#include "schedule/scheduler_impl.h"

namespace millpond {

Demand Scheduler::Impl::demand_of(std::int64_t task) const {
  return {graph_.node(graph_.stage_of(task)).shape.resources, history(task).escalation};
}

void Scheduler::Impl::apply_changes() {
  const Progress::Changes changes = progress_.take_changes();
  for (const std::int64_t task : changes.abandoned) cancel_all(task);
  for (const std::int64_t task : changes.invalidated) actions_.push_back(action::Invalidate{graph_.ref(task)});
  for (const std::size_t stage : changes.finished) {
    actions_.push_back(action::StageFinished{graph_.node(stage).shape.id});
  }
  for (const std::int64_t task : changes.ready) {
    if (history(task).escalation > 0) {
      queue_.push_escalated(task);
    } else {
      queue_.push(graph_.node(graph_.stage_of(task)).rank, task);
    }
  }
}

void Scheduler::Impl::dispatch() {
  if (pool_.free_slots() <= 0) return;
  dispatch_escalated();
  dispatch_stages();
}

/// An escalated task needs much of a worker at once. That worker takes nothing new until the task fits, or it would
/// wait for ever behind small ones.
void Scheduler::Impl::dispatch_escalated() {
  while (queue_.has_escalated()) {
    const std::int64_t task = queue_.top_escalated();
    if (!progress_.confirm_ready(task)) {
      queue_.pop_escalated();
      pool_.clear_reservation();
      continue;
    }
    const Demand demand = demand_of(task);
    if (!pool_.reserved()) {
      const auto largest = pool_.largest_for(demand);
      if (!largest) return;
      pool_.reserve(*largest);
    }
    const auto choice = pool_.choose_on(*pool_.reserved(), demand);
    if (!choice) return;
    pool_.clear_reservation();
    queue_.pop_escalated();
    start(task, *choice, false);
  }
}

void Scheduler::Impl::dispatch_stages() {
  auto rank = queue_.next_rank(0);
  while (rank && pool_.free_slots() > 0) {
    const std::int64_t task = queue_.top(*rank);
    if (progress_.confirm_ready(task)) {
      const auto choice = pool_.choose(demand_of(task));
      if (!choice) {
        // The stage's other tasks ask for as much; a later stage may ask for less.
        rank = queue_.next_rank(*rank + 1);
        continue;
      }
      start(task, *choice, false);
    }
    queue_.pop(*rank);
    rank = queue_.next_rank(*rank);
  }
}

bool Scheduler::Impl::may_speculate() const {
  return options_.speculation && pool_.size() > 1 && pool_.free_slots() > 0 && progress_.num_ready() == 0 &&
         !attempts_.empty();
}

/// A copy of each late attempt on another worker, where slots would stay empty otherwise.
void Scheduler::Impl::speculate() {
  if (!may_speculate()) return;
  std::vector<std::pair<std::int64_t, std::int64_t>> late;  // Task, its worker.
  for (const auto& [number, attempt] : attempts_) {
    const TaskHistory& past = history(attempt.task);
    if (!attempt.live || attempt.speculative || past.live != 1 || past.escalation > 0) continue;
    if (!progress_.has_inputs(attempt.task)) continue;
    const std::size_t stage = graph_.stage_of(attempt.task);
    const std::int64_t wanted = progress_.num_open(stage) + progress_.count(stage, TaskState::kAccepted);
    const auto limit = stragglers_.limit(stage, wanted, options_);
    const std::int64_t running_ns = clock_.now() - attempt.started_ns;
    if (limit && running_ns > seconds_to_ns(*limit)) late.emplace_back(attempt.task, attempt.worker);
  }
  for (const auto& [task, worker] : late) {
    const auto choice = pool_.choose(demand_of(task), worker);
    if (choice) start(task, *choice, true);
  }
}

/// Ready tasks, idle workers, and still nothing starts: no worker is ever large enough, unless one joins.
void Scheduler::Impl::check_placement() {
  if (progress_.num_ready() == 0 || !attempts_.empty()) {
    blocked_since_.reset();
    return;
  }
  if (!blocked_since_) blocked_since_ = clock_.now();
  if (clock_.now() - *blocked_since_ < seconds_to_ns(options_.placement_seconds)) return;
  if (pool_.size() == 0) {
    return fail_job(Status(StatusCode::kUnavailable, "there is no worker to run the job's tasks"), {});
  }
  for (const StageGraph::Node& node : graph_.nodes()) {
    const auto position = *graph_.find_stage(node.shape.id);
    if (progress_.count(position, TaskState::kReady) == 0) continue;
    const std::string name = node.shape.name.empty() ? "stage " + std::to_string(node.shape.id) : node.shape.name;
    return fail_job(Status::invalid_argument(name + " asks for " + std::to_string(node.shape.resources.gpus) +
                                                 " gpus a task, and no worker has them",
                                             "ask for fewer, or add a worker that has them"),
                    {});
  }
}

void Scheduler::Impl::fail_task(std::int64_t task) {
  std::vector<action::AttemptError> errors = std::move(errors_[task]);
  Status status = poison_status(errors, graph_.task_name(task));
  fail_job(std::move(status), std::move(errors));
}

void Scheduler::Impl::fail_job(Status status, std::vector<action::AttemptError> errors) {
  if (status.is_ok()) status = Status(StatusCode::kCancelled, "the job was cancelled");
  failure_ = {std::move(status), std::move(errors)};
  failed_since_ = clock_.now();
  for (auto& [number, attempt] : attempts_) {
    if (attempt.live) cancel(number, attempt);
  }
}

void Scheduler::Impl::check_end() {
  if (finished_) return;
  if (failed_since_) {
    const bool drained = clock_.now() - *failed_since_ >= seconds_to_ns(options_.drain_seconds);
    if (!attempts_.empty() && !drained) return;
    finished_ = true;
    actions_.push_back(std::move(failure_));
  } else if (started_ && progress_.num_open() == 0) {
    finished_ = true;
    actions_.push_back(action::JobFinished{});
  }
}

}  // namespace millpond
