#include "schedule/simulated_driver.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace millpond {
namespace {

// Trouble ends here, so that every job must.
constexpr std::int64_t kTroubledSteps = 400;
constexpr std::int64_t kMaxSteps = 20000;

std::string text(TaskRef task) { return std::to_string(task.stage) + "." + std::to_string(task.partition); }

}  // namespace

SimulatedDriver::SimulatedDriver(std::uint64_t seed)
    : random_(seed), job_(random_job(random_)), cluster_(job_, random_) {}

SimulationReport SimulatedDriver::run() {
  for (const StageShape& stage : job_.stages) report_.tasks += stage.tasks;
  begin();
  while (report_.violation.empty() && !(verdict_ && !dead_) && step()) {
  }
  if (report_.violation.empty()) finish_up();
  return report_;
}

/// A driver starts: alone with the journal, as after a crash.
void SimulatedDriver::begin() {
  dead_ = false;
  verdict_.reset();
  active_.clear();
  results_.clear();
  losses_.clear();
  finished_stages_.clear();
  satisfied_at_.clear();
  Result<Scheduler> created = Scheduler::create(job_.stages, job_.options);
  if (!created.is_ok()) return violate("create: " + created.status().message());
  scheduler_.emplace(std::move(*created));
  std::erase_if(journal_, [this](const auto& entry) { return !stored_.contains(entry.first); });
  for (const auto& [task, record] : journal_) send(event::TaskReused{task});
  cluster_.restart();
  send(event::JobStarted{});
}

bool SimulatedDriver::step() {
  if (++steps_ > kMaxSteps) {
    violate("the job does not end");
    return false;
  }
  if (dead_) {
    ++report_.drivers;
    note("the driver died");
    begin();
    return true;
  }
  const auto report = cluster_.next_ns();
  const auto wakeup = scheduler_->next_wakeup_ns();
  if (!report && !wakeup) {
    violate("nothing is awaited, but the job has not ended");
    return false;
  }
  const std::int64_t due = std::min(report.value_or(INT64_MAX), wakeup.value_or(INT64_MAX));
  cluster_.set_now(std::max(cluster_.now_ns(), due));
  send(event::Tick{cluster_.now_ns()});
  if (!dead_ && !verdict_ && report && *report <= cluster_.now_ns()) deliver(cluster_.take_report());
  if (!dead_ && !verdict_ && steps_ < kTroubledSteps) make_trouble();
  return true;
}

void SimulatedDriver::deliver(const Cluster::Report& report) {
  switch (report.kind) {
    case Cluster::Report::Kind::kAttempt:
      if (report.attempt.number > 0) report_attempt(report.attempt);
      return;
    case Cluster::Report::Kind::kWorkerJoined:
      note("worker " + std::to_string(report.worker) + " joins");
      return send(event::WorkerJoined{report.worker, job_.slots, {4, job_.memory, 0}});
    case Cluster::Report::Kind::kWorkerLost:
      ++report_.worker_deaths;
      note("worker " + std::to_string(report.worker) + " is lost");
      std::erase_if(active_, [&](const auto& entry) { return entry.second.worker == report.worker; });
      return send(event::WorkerLost{report.worker, "killed"});
  }
}

void SimulatedDriver::report_attempt(SimulatedAttempt attempt) {
  const auto found = active_.find(attempt.number);
  if (found == active_.end() || found->second.cancelled) ++report_.zombies;
  std::vector<TaskRef> missing;
  for (const auto& [task, content] : attempt.reads) {
    const auto stored = stored_.find(task);
    if (stored == stored_.end() || stored->second != content) missing.push_back(task);
  }
  if (attempt.outcome.is_ok() && !missing.empty()) {
    attempt.outcome = Status::not_found("an input is gone");
    for (const TaskRef& task : missing) {
      if (stored_.contains(task) || verdict_) continue;
      note("the loss of " + text(task) + " is noticed");
      if (journal_.erase(task) > 0) ++losses_[task];
      send(event::OutputLost{task});
      if (dead_) return;
    }
  }
  if (attempt.outcome.is_ok()) {
    std::uint64_t content = splitmix64(static_cast<std::uint64_t>(attempt.task.stage * 1000 + attempt.task.partition));
    for (const auto& [task, read] : attempt.reads) content = splitmix64(content ^ read);
    if (shape(attempt.task.stage).determinacy == Determinacy::kIndeterminate) content = random_.next();
    results_[attempt.number] = {content, attempt.reads};
  }
  note("attempt " + std::to_string(attempt.number) + " of " + text(attempt.task) + " reports " +
       std::string(status_code_name(attempt.outcome.code())));
  active_.erase(attempt.number);
  const double seconds = static_cast<double>(cluster_.now_ns() - attempt.started_ns) * 1e-9;
  send(event::TaskFinished{attempt.task, attempt.number, attempt.outcome, seconds, attempt.worker_dies});
}

void SimulatedDriver::make_trouble() {
  if (random_.uniform() < job_.worker_dies) (void)cluster_.kill_worker();
  if (random_.uniform() < job_.output_vanishes) lose_output();
  if (random_.uniform() < job_.user_cancels && !cancelled_) {
    cancelled_ = true;
    note("the user cancels");
    send(event::CancelRequested{});
  }
}

/// An output vanishes; sometimes the driver hears of it, otherwise a reader finds out. Or the driver itself removes
/// what nothing needs.
void SimulatedDriver::lose_output() {
  if (stored_.empty()) return;
  auto chosen = stored_.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(random_.below(stored_.size())));
  const TaskRef task = chosen->first;
  const bool noticed = random_.below(2) == 0 || !scheduler_->is_needed(task);
  stored_.erase(chosen);
  ++report_.lost;
  note("the output of " + text(task) + (noticed ? " is lost" : " is lost unnoticed"));
  if (!noticed) return;
  journal_.erase(task);
  ++losses_[task];
  send(event::OutputLost{task});
}

void SimulatedDriver::send(const Event& event) {
  const std::vector<Action> actions = scheduler_->handle(event);
  // A driver may die between any two actions.
  std::size_t until = actions.size();
  if (!actions.empty() && steps_ < kTroubledSteps && random_.uniform() < job_.driver_dies) {
    until = random_.below(actions.size());
    dead_ = true;
  }
  for (std::size_t i = 0; i < until && report_.violation.empty(); ++i) {
    if (verdict_ && !std::holds_alternative<action::Drop>(actions[i])) violate("an action after the job finished");
    std::visit([this](const auto& action) { perform(action); }, actions[i]);
  }
  if (dead_ || !report_.violation.empty() || verdict_) return;
  for (std::size_t stage = 0; stage < job_.stages.size(); ++stage) {
    const StageShape& shape = job_.stages[stage];
    if (job_.enough[stage] == 0 || scheduler_->num_accepted(shape.id) < job_.enough[stage]) continue;
    bool rest = false;
    for (std::int64_t i = 0; i < shape.tasks; ++i) {
      rest = rest || !(scheduler_->is_accepted({shape.id, i}) || scheduler_->is_skipped({shape.id, i}));
    }
    if (!rest || std::exchange(satisfied_at_[shape.id], scheduler_->num_accepted(shape.id)) ==
                     scheduler_->num_accepted(shape.id)) {
      continue;
    }
    return send(event::StageSatisfied{shape.id});
  }
}

/// After the verdict only losers and zombies report, and they are dropped.
void SimulatedDriver::finish_up() {
  check_verdict();
  while (report_.violation.empty() && cluster_.next_ns()) {
    cluster_.set_now(std::max(cluster_.now_ns(), *cluster_.next_ns()));
    const Cluster::Report report = cluster_.take_report();
    if (report.kind == Cluster::Report::Kind::kAttempt && report.attempt.number > 0) report_attempt(report.attempt);
  }
}

void SimulatedDriver::perform(const action::Start& start) {
  ++report_.attempts;
  note("start " + text(start.task) + " #" + std::to_string(start.attempt) + " on " + std::to_string(start.worker));
  if (journal_.contains(start.task)) violate("an accepted task was started again");
  if (!open_tasks().contains(start.task)) violate("a task was started that nothing needs");
  std::int64_t others = 0;
  for (const auto& [number, active] : active_) others += active.task == start.task && !active.cancelled ? 1 : 0;
  if (others > (job_.options.speculation && job_.workers > 1 ? 2 : 0)) violate("too many attempts of a task at once");
  report_.speculated += others;
  active_[start.attempt] = {start.task, start.worker, start.resources, false};
  check_budget(start.worker);
  SimulatedAttempt attempt;
  attempt.task = start.task;
  attempt.number = start.attempt;
  attempt.worker = start.worker;
  attempt.granted = start.resources;
  attempt.reads = reads_of(start.task);
  cluster_.start(std::move(attempt));
}

Reads SimulatedDriver::reads_of(TaskRef task) {
  Reads reads;
  for (const StageDependency& dependency : shape(task.stage).dependencies) {
    const bool all = dependency.kind == DependencyKind::kAll;
    const std::int64_t first = all ? 0 : task.partition;
    const std::int64_t last = all ? shape(dependency.stage).tasks : task.partition + 1;
    for (std::int64_t i = first; i < last; ++i) {
      const TaskRef input{dependency.stage, i};
      if (scheduler_->is_skipped(input)) continue;
      const auto found = journal_.find(input);
      if (found == journal_.end()) {
        violate("a task was started before its input " + text(input));
      } else {
        reads[input] = found->second.content;
      }
    }
  }
  return reads;
}

void SimulatedDriver::perform(const action::Cancel& cancel) {
  note("cancel #" + std::to_string(cancel.attempt));
  const auto found = active_.find(cancel.attempt);
  if (found == active_.end()) return violate("an attempt was cancelled that does not run");
  if (found->second.cancelled) violate("an attempt was cancelled twice");
  found->second.cancelled = true;
  cluster_.cancel(cancel.attempt);
}

void SimulatedDriver::perform(const action::Accept& accept) {
  note("accept " + text(accept.task) + " #" + std::to_string(accept.attempt));
  const auto result = results_.find(accept.attempt);
  if (result == results_.end()) return violate("an attempt was accepted that did not succeed");
  if (journal_.contains(accept.task)) violate("two attempts of a task were accepted");
  journal_[accept.task] = result->second;
  stored_[accept.task] = result->second.content;
  results_.erase(result);
}

void SimulatedDriver::perform(const action::Drop& drop) { results_.erase(drop.attempt); }

void SimulatedDriver::perform(const action::Invalidate& invalidate) {
  note("invalidate " + text(invalidate.task));
  ++report_.invalidated;
  if (journal_.erase(invalidate.task) == 0) violate("a task without a result was invalidated");
  stored_.erase(invalidate.task);
}

void SimulatedDriver::perform(const action::StageFinished& stage) {
  note("stage " + std::to_string(stage.stage) + " finished");
  finished_stages_.insert(stage.stage);
}

void SimulatedDriver::perform(const action::JobFinished& job) {
  note("job finished: " + job.status.to_string());
  verdict_ = job;
}

}  // namespace millpond
