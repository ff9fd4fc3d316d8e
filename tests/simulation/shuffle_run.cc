#include "simulation/shuffle_run.h"

#include <algorithm>
#include <ctime>
#include <utility>
#include <variant>

namespace millpond {
namespace {

/// Of this thread alone, so that other programs on the machine don't count.
double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// A task is late at one and a half times what it should take (SchedulerOptions::speculation_multiplier).
constexpr double kSeenLate = 1.5;

std::int64_t to_ns(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

std::vector<StageShape> shuffle_stages(const ShuffleOptions& options) {
  StageShape maps;
  maps.tasks = options.maps;
  maps.resources.threads = options.threads;
  StageShape reduces;
  reduces.id = 1;
  reduces.tasks = options.reduces;
  reduces.resources.threads = options.threads;
  reduces.dependencies = {{0, DependencyKind::kAll}};
  return {maps, reduces};
}

}  // namespace

ShuffleReport simulate_shuffle(const ShuffleOptions& options) { return ShuffleRun(options).run(); }

ShuffleRun::ShuffleRun(const ShuffleOptions& options)
    : options_(options),
      nodes_(options),
      done_(static_cast<std::size_t>(options.maps + options.reduces), false),
      live_(done_.size(), 0),
      made_on_(done_.size(), -1),
      lost_(done_.size(), 0),
      free_cores_(static_cast<std::size_t>(options.nodes), options.cores) {}

std::size_t ShuffleRun::index(TaskRef task) const {
  return static_cast<std::size_t>(task.stage * options_.maps + task.partition);
}

ShuffleReport ShuffleRun::run() {
  report_.tasks = options_.maps + options_.reduces;
  auto created = Scheduler::create(shuffle_stages(options_));
  if (!created.is_ok()) {
    violate(created.status().message());
    return report_;
  }
  scheduler_.emplace(std::move(*created));
  send(event::Tick{0});
  if (options_.hint_noise >= 0) send_hints();
  for (std::int64_t node = 0; node < options_.nodes; ++node) join_node(node);
  send(event::JobStarted{});
  while (report_.violation.empty() && !finished_ && step()) {
  }
  if (report_.violation.empty()) finish();
  return report_;
}

void ShuffleRun::send_hints() {
  for (std::int64_t i = 0; i < options_.maps; ++i) {
    send(event::TaskHint{{0, i}, nodes_.weight_of({0, i}), nodes_.input_node_of({0, i})});
  }
  for (std::int64_t i = 0; i < options_.reduces; ++i) send(event::TaskHint{{1, i}, nodes_.weight_of({1, i})});
}

bool ShuffleRun::step() {
  const double begun = processor_seconds();
  const auto wakeup = scheduler_->next_wakeup_ns();
  report_.handling_seconds += processor_seconds() - begun;
  const auto due = nodes_.next_due();
  if (!due && !wakeup) {
    violate("nothing is awaited, but the job has not ended");
    return false;
  }
  const bool timer = wakeup && (!due || static_cast<double>(*wakeup) * 1e-9 < *due);
  nodes_.set_now(std::max(nodes_.now(), timer ? static_cast<double>(*wakeup) * 1e-9 : *due));
  send(event::Tick{timer ? *wakeup : to_ns(nodes_.now())});
  if (!timer && !finished_) deliver(nodes_.take());
  return true;
}

void ShuffleRun::deliver(const VirtualNodes::Event& event) {
  switch (event.what) {
    case VirtualNodes::Happening::kAttemptEnds:
      if (const auto attempt = nodes_.take_attempt(event.number)) report_attempt(*attempt);
      return;
    case VirtualNodes::Happening::kNodeDies:
      ++report_.node_losses;
      deaths_.push_back(nodes_.now());
      return nodes_.kill(event.number);
    case VirtualNodes::Happening::kNodeDetected:
      return lose_node(event.number);
    case VirtualNodes::Happening::kNodeJoins:
      nodes_.join(event.number);
      return join_node(event.number);
  }
}

void ShuffleRun::join_node(std::int64_t node) {
  const std::int64_t cores = options_.cores / options_.workers_per_node;
  for (std::int64_t i = 0; i < options_.workers_per_node; ++i) {
    event::WorkerJoined joined;
    joined.worker = node * options_.workers_per_node + i;
    joined.slots = cores / options_.threads;
    joined.resources.threads = cores;
    joined.node = node;
    send(joined);
  }
}

void ShuffleRun::report_attempt(const RunningAttempt& attempt) {
  const auto found = active_.find(attempt.number);
  if (found == active_.end()) return violate("an attempt ended twice");
  const bool counted = !found->second.cancelled;
  active_.erase(found);
  free_cores_[static_cast<std::size_t>(attempt.node)] += options_.threads;
  const double elapsed = nodes_.now() - attempt.started;
  event::TaskFinished finished;
  finished.task = attempt.task;
  finished.attempt = attempt.number;
  finished.seconds = elapsed;
  finished.worker_died = attempt.worker_dies;
  // What a slow machine costs is lost, up to what it takes to see it and to do the task anew.
  const double wasted = std::clamp(elapsed - attempt.work, 0.0, kSeenLate * attempt.work);
  if (!counted) {
    if (attempt.slow) charge(attempt.task, wasted);
    finished.status = Status(StatusCode::kCancelled, "the task was cancelled");
  } else if (attempt.worker_dies || attempt.fails) {
    ++report_.failures;
    charge(attempt.task, std::min(elapsed, attempt.work));
    finished.status = attempt.fails ? Status::io_error("an input could not be read")
                                    : Status(StatusCode::kUnavailable, "killed by signal 9 (SIGKILL)");
  }
  if (counted) --live_[index(attempt.task)];
  if (counted && finished.status.is_ok()) {
    if (attempt.slow) charge(attempt.task, wasted);
    if (attempt.task.stage == 0 && attempt.node == nodes_.input_node_of(attempt.task)) ++report_.local_maps;
    made_on_[index(attempt.task)] = attempt.node;
  }
  send(finished);
}

/// The driver learns of it: the workers, the outputs kept there, and then the failures that this made.
void ShuffleRun::lose_node(std::int64_t node) {
  for (const RunningAttempt& attempt : nodes_.take_dead(node)) {
    const auto found = active_.find(attempt.number);
    if (found != active_.end() && !found->second.cancelled) {
      charge(attempt.task, std::min(attempt.frozen - attempt.started, attempt.work));
      --live_[index(attempt.task)];
    }
    active_.erase(attempt.number);
  }
  free_cores_[static_cast<std::size_t>(node)] = options_.cores;
  for (std::int64_t i = 0; i < options_.workers_per_node; ++i) {
    send(event::WorkerLost{node * options_.workers_per_node + i, "its node was lost"});
  }
  if (options_.shared_exchange == 0) lose_outputs(node);
  nodes_.fail_blocked();
}

void ShuffleRun::lose_outputs(std::int64_t node) {
  report_.after_losses = std::max(report_.after_losses, seconds_after_loss(node));
  for (std::int64_t map = 0; map < options_.maps; ++map) {
    const TaskRef task{0, map};
    if (done_[index(task)] && made_on_[index(task)] == node) lose_output(task);
  }
}

void ShuffleRun::lose_output(TaskRef map) {
  done_[index(map)] = false;
  --accepted_maps_;
  ++report_.outputs_lost;
  if (scheduler_->is_needed(map)) charge(map, nodes_.work_of(map));
  send(event::OutputLost{map});
}

/// The soonest end of a job whose maps were all done when the node died; else 0.
double ShuffleRun::seconds_after_loss(std::int64_t node) const {
  if (accepted_maps_ < options_.maps) return 0;
  double longest = 0;
  for (std::int64_t map = 0; map < options_.maps; ++map) {
    if (made_on_[index({0, map})] == node) longest = std::max(longest, nodes_.work_of({0, map}));
  }
  std::vector<bool> begun = done_;
  for (const TaskRef task : nodes_.fetched()) begun[index(task)] = true;
  double work = 0;
  for (std::int64_t i = 0; i < options_.reduces; ++i) work += begun[index({1, i})] ? 0 : nodes_.work_of({1, i});
  return work > 0 ? nodes_.now() + longest + seconds_for(work) : 0;
}

double ShuffleRun::seconds_for(double work) const {
  return work * static_cast<double>(options_.threads) / static_cast<double>(options_.nodes * options_.cores);
}

void ShuffleRun::send(const Event& event) {
  const double begun = processor_seconds();
  const std::vector<Action> actions = scheduler_->handle(event);
  const double seconds = processor_seconds() - begun;
  report_.handling_seconds += seconds;
  report_.longest_call_seconds = std::max(report_.longest_call_seconds, seconds);
  for (const Action& action : actions) {
    if (!report_.violation.empty()) return;
    if (finished_ && !std::holds_alternative<action::Drop>(action)) return violate("a decision after the end");
    std::visit([this](const auto& a) { perform(a); }, action);
  }
}

void ShuffleRun::perform(const action::Start& start) {
  const std::int64_t node = node_of(start.worker);
  ++report_.attempts;
  if (done_[index(start.task)]) return violate("a finished task was started");
  if (start.task.stage == 1 && accepted_maps_ < options_.maps) return violate("a reduce was started before its maps");
  std::int64_t& free = free_cores_[static_cast<std::size_t>(node)];
  if ((free -= options_.threads) < 0) return violate("a node has too much to do");
  if (++live_[index(start.task)] > 1) ++report_.copies;
  active_[start.attempt] = {node, false};
  nodes_.start(start.task, start.attempt, node);
}

void ShuffleRun::perform(const action::Cancel& cancel) {
  const auto found = active_.find(cancel.attempt);
  if (found == active_.end()) return violate("an attempt was cancelled that does not run");
  found->second.cancelled = true;
  --live_[index(cancel.task)];
  nodes_.cancel(cancel.attempt);
}

void ShuffleRun::perform(const action::Accept& accept) {
  if (done_[index(accept.task)]) return violate("two attempts of a task were accepted");
  done_[index(accept.task)] = true;
  accepted_maps_ += accept.task.stage == 0 ? 1 : 0;
}

void ShuffleRun::perform(const action::Drop&) {}

void ShuffleRun::perform(const action::Invalidate&) { violate("a result of a determinate job was invalidated"); }

void ShuffleRun::perform(const action::StageFinished&) {}

void ShuffleRun::perform(const action::JobFinished& job) {
  finished_ = true;
  report_.makespan = nodes_.now();
  if (!job.status.is_ok()) violate("the job failed: " + job.status.to_string());
}

void ShuffleRun::charge(TaskRef task, double seconds) {
  lost_[index(task)] += static_cast<float>(seconds);
  lost_seconds_ += seconds;
}

void ShuffleRun::finish() {
  double work = 0;
  for (std::int64_t stage = 0; stage < 2; ++stage) {
    double longest = 0;
    for (std::int64_t i = 0; i < (stage == 0 ? options_.maps : options_.reduces); ++i) {
      const TaskRef task{stage, i};
      work += nodes_.work_of(task);
      longest = std::max(longest, nodes_.work_of(task) + static_cast<double>(lost_[index(task)]));
      // A map's output may be lost after its last reader has it.
      if (stage == 1 && !done_[index(task)]) violate("a task was not done");
    }
    report_.critical_path += longest;
  }
  report_.undisturbed = seconds_for(work);
  report_.work_bound = seconds_for(work + lost_seconds_);
  // The cores of a lost node are not there until another one takes its place. Each round may reach a further death.
  for (std::size_t round = 0; round <= deaths_.size(); ++round) {
    double missing = 0;
    for (const double death : deaths_) {
      missing += std::clamp(report_.work_bound - death, 0.0, options_.node_returns_seconds);
    }
    report_.work_bound = seconds_for(work + lost_seconds_) + missing / static_cast<double>(options_.nodes);
  }
}

void ShuffleRun::violate(const std::string& what) {
  if (report_.violation.empty()) report_.violation = what;
}

}  // namespace millpond
