#include "schedule/scheduler.h"

#include <utility>

#include "schedule/scheduler_impl.h"

namespace millpond {

Result<Scheduler> Scheduler::create(std::vector<StageShape> stages, SchedulerOptions options) {
  MILLPOND_ASSIGN_OR_RETURN(DependencyGraph graph, DependencyGraph::create(std::move(stages)));
  return Scheduler(std::make_unique<Impl>(std::move(graph), options));
}

Scheduler::Scheduler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Scheduler::~Scheduler() = default;
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;

std::vector<Action> Scheduler::handle(const Event& event) { return impl_->handle(event); }
std::optional<std::int64_t> Scheduler::next_wakeup_ns() const { return impl_->next_wakeup_ns(); }
std::int64_t Scheduler::num_running() const { return impl_->num_running(); }
bool Scheduler::is_finished() const { return impl_->is_finished(); }

std::int64_t Scheduler::num_accepted(std::int64_t stage) const {
  const auto found = impl_->graph().find_stage(stage);
  return found ? impl_->progress().count(*found, TaskState::kAccepted) : 0;
}

bool Scheduler::is_accepted(TaskRef task) const {
  const auto found = impl_->graph().find_task(task);
  return found && impl_->progress().state(*found) == TaskState::kAccepted;
}

bool Scheduler::is_skipped(TaskRef task) const {
  const auto found = impl_->graph().find_task(task);
  return found && impl_->progress().state(*found) == TaskState::kSkipped;
}

bool Scheduler::is_needed(TaskRef task) const {
  const auto found = impl_->graph().find_task(task);
  return found && impl_->progress().is_needed(*found);
}

}  // namespace millpond
