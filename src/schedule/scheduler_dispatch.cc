#include <algorithm>
#include <string>
#include <utility>

#include "schedule/scheduler_impl.h"

namespace millpond {

Demand Scheduler::Impl::demand_of(std::int64_t task) const {
  Demand demand{graph_.node(graph_.stage_of(task)).shape.resources, history(task).escalation};
  if (demand.escalation == 0) return demand;
  const auto tried = memory_tried_.find(task);
  if (tried != memory_tried_.end()) demand.memory_tried = tried->second;
  return demand;
}

void Scheduler::Impl::apply_changes() {
  const Progress::Changes changes = progress_.take_changes();
  for (const std::int64_t task : changes.abandoned) cancel_all(task);
  for (const std::int64_t task : changes.invalidated) {
    places_.remove_output(task);
    actions_.push_back(action::Invalidate{graph_.ref(task)});
  }
  for (const std::size_t stage : changes.finished) {
    actions_.push_back(action::StageFinished{graph_.node(stage).shape.id});
  }
  for (const std::int64_t task : changes.ready) {
    if (history(task).escalation > 0) {
      escalated_.push_back({task, std::nullopt});
    } else {
      // With one node there is nothing to choose.
      const std::int64_t node = pool_.num_nodes() > 1 ? places_.node_of(task) : kAnywhere;
      queue_.push(graph_.node(graph_.stage_of(task)).rank, task, places_.weight(task), node);
    }
  }
}

/// What holds the stage up for very long goes first, then what needs a large part of a worker, then what is ready; what
/// is only late has the slots that nothing else wants.
void Scheduler::Impl::dispatch() {
  if (pool_.free_slots() <= 0) return;
  copy_late(kVeryLate);
  dispatch_escalated();
  dispatch_stages();
  copy_late(1);
}

/// An escalated task needs much of a worker at once. That worker takes nothing new until the task fits, or it would
/// wait for ever behind small ones. At most half of the workers are kept so.
void Scheduler::Impl::dispatch_escalated() {
  const std::int64_t most = std::max<std::int64_t>(1, pool_.size() / 2);
  for (auto entry = escalated_.begin(); entry != escalated_.end();) {
    // A worker that was lost is no longer reserved.
    if (entry->reserved && !pool_.contains(*entry->reserved)) entry->reserved.reset();
    if (progress_.confirm_ready(entry->task)) {
      if (!entry->reserved && pool_.num_reserved() >= most) return;
      if (!place_escalated(*entry)) {
        if (!entry->reserved) return;
        ++entry;
        continue;
      }
    } else if (entry->reserved) {
      pool_.release(*entry->reserved);
    }
    entry = escalated_.erase(entry);
  }
}

/// Starts it, or keeps a worker for it; neither when there is none to keep.
bool Scheduler::Impl::place_escalated(Escalated& entry) {
  if (is_full(graph_.stage_of(entry.task))) return false;
  const Demand demand = demand_of(entry.task);
  if (!entry.reserved) {
    entry.reserved = pool_.largest_for(demand);
    if (!entry.reserved) return false;
    pool_.reserve(*entry.reserved);
  }
  const auto choice = pool_.choose_on(*entry.reserved, demand);
  if (!choice) return false;
  pool_.release(*entry.reserved);
  start(entry.task, *choice, false);
  return true;
}

void Scheduler::Impl::dispatch_stages() {
  auto rank = queue_.next_rank(0);
  while (rank && pool_.free_slots() > 0) {
    // Those of a stage ask for as much, but for the escalated ones, which are not here.
    const DependencyGraph::Node& node = graph_.node(graph_.by_rank()[*rank]);
    const Demand demand{node.shape.resources};
    const bool full = is_full(graph_.by_rank()[*rank]);
    const bool went_on = !full && (dispatch_near(*rank, demand) || dispatch_one(*rank, demand));
    // A later stage may ask for less.
    rank = queue_.next_rank(went_on ? *rank : *rank + 1);
  }
}

/// Whether the stage has as many attempts as it may. Those cancelled count until they have ended.
bool Scheduler::Impl::is_full(std::size_t stage) const {
  const DependencyGraph::Node& node = graph_.node(stage);
  if (node.shape.max_running <= 0) return false;
  std::int64_t running = 0;
  const std::int64_t end = node.first_task + node.shape.tasks;
  for (auto entry = attempts_by_task_.lower_bound({node.first_task, 0});
       entry != attempts_by_task_.end() && entry->first < end && running < node.shape.max_running; ++entry) {
    ++running;
  }
  return running >= node.shape.max_running;
}

/// A task on the node where its input lies; false when none can go there now.
bool Scheduler::Impl::dispatch_near(std::size_t rank, const Demand& demand) {
  if (!queue_.has_local(rank)) return false;
  return pool_.any_free_node([&](std::int64_t node) {
    if (!queue_.has_local(rank, node)) return false;
    const std::int64_t task = queue_.top(rank, node);
    if (progress_.confirm_ready(task)) {
      const auto choice = pool_.choose_near(node, demand);
      if (!choice) return false;
      start(task, *choice, false);
    }
    queue_.pop(rank, node);
    return true;
  });
}

/// Any task of the rank on any worker; false when no worker can take it now.
bool Scheduler::Impl::dispatch_one(std::size_t rank, const Demand& demand) {
  const auto choice = pool_.choose(demand);
  if (!choice) return false;
  const std::int64_t source = queue_.source_for(rank, pool_.node_of(choice->worker));
  const std::int64_t task = queue_.top(rank, source);
  if (progress_.confirm_ready(task)) start(task, *choice, false);
  queue_.pop(rank, source);
  return true;
}

/// Ready tasks, idle workers, and still nothing starts: no worker is ever large enough, unless one joins.
void Scheduler::Impl::check_placement() {
  if (progress_.num_ready() == 0 || !attempts_.empty()) {
    blocked_since_.reset();
    return;
  }
  if (!blocked_since_) blocked_since_ = clock_.now();
  if (clock_.now() - *blocked_since_ < seconds_to_ns(options_.placement_seconds)) return;
  const Status no_worker(StatusCode::kUnavailable, "there is no worker to run the job's tasks");
  if (pool_.size() == 0) return fail_job(no_worker, {});
  for (const std::size_t stage : graph_.by_rank()) {
    if (progress_.count(stage, TaskState::kReady) == 0) continue;
    const StageShape& shape = graph_.node(stage).shape;
    const std::string name = shape.name.empty() ? "stage " + std::to_string(shape.id) : shape.name;
    const std::string lacking = pool_.lacking(Demand{shape.resources});
    if (lacking.empty()) return fail_job(no_worker, {});
    return fail_job(Status::invalid_argument(name + " asks for " + lacking + " a task, and no worker has them",
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
