#include <map>
#include <set>

#include "schedule/simulated_driver.h"

namespace millpond {

SimulationReport simulate(std::uint64_t seed) { return SimulatedDriver(seed).run(); }

const StageShape& SimulatedDriver::shape(std::int64_t stage) const {
  return job_.stages[static_cast<std::size_t>(stage / 10)];
}

/// What must still be computed, found the slow way: from the last stages backwards.
std::set<TaskRef> SimulatedDriver::open_tasks() const {
  std::set<TaskRef> open;
  std::vector<TaskRef> next;
  std::set<std::int64_t> read;
  for (const StageShape& stage : job_.stages) {
    for (const StageDependency& dependency : stage.dependencies) read.insert(dependency.stage);
  }
  const auto add = [&](TaskRef task) {
    if (!journal_.contains(task) && !scheduler_->is_skipped(task) && open.insert(task).second) next.push_back(task);
  };
  for (const StageShape& stage : job_.stages) {
    for (std::int64_t i = 0; i < stage.tasks && !read.contains(stage.id); ++i) add({stage.id, i});
  }
  while (!next.empty()) {
    const TaskRef task = next.back();
    next.pop_back();
    for (const StageDependency& dependency : shape(task.stage).dependencies) {
      if (dependency.kind == DependencyKind::kSame) {
        add({dependency.stage, task.partition});
        continue;
      }
      for (std::int64_t i = 0; i < shape(dependency.stage).tasks; ++i) add({dependency.stage, i});
    }
  }
  return open;
}

void SimulatedDriver::check_budget(std::int64_t worker) {
  std::int64_t slots = 0;
  std::int64_t memory = 0;
  std::int64_t threads = 0;
  for (const auto& [number, active] : active_) {
    if (active.worker != worker) continue;
    ++slots;
    memory += active.granted.memory_bytes;
    threads += active.granted.threads;
  }
  if (slots > job_.slots) violate("a worker has more attempts than slots");
  if (threads > 4) violate("a worker has more threads in use than it has");
  if (job_.memory > 0 && memory > job_.memory) violate("a worker's memory was promised twice");
}

void SimulatedDriver::check_verdict() {
  for (const auto& [number, active] : active_) {
    if (!active.cancelled) violate("an attempt still counts after the job finished");
  }
  report_.succeeded = verdict_->status.is_ok();
  if (!report_.succeeded) return check_failure();
  if (!open_tasks().empty()) violate("the job succeeded with tasks undone");
  if (finished_stages_.size() != job_.stages.size()) violate("the job succeeded before all stages finished");
  for (const StageShape& stage : job_.stages) {
    for (std::int64_t i = 0; i < stage.tasks; ++i) report_.skipped += scheduler_->is_skipped({stage.id, i}) ? 1 : 0;
  }
  check_contents();
}

/// A job fails only for a reason, and after exactly the attempts it was allowed.
void SimulatedDriver::check_failure() {
  const Status& status = verdict_->status;
  if (status.code() == StatusCode::kCancelled && cancelled_) return;
  std::int64_t failures = 0;
  std::int64_t deaths = 0;
  for (const action::AttemptError& error : verdict_->errors) {
    deaths += error.status.code() == StatusCode::kUnavailable ? 1 : 0;
    failures += error.status.code() == StatusCode::kIoError || error.status.code() == StatusCode::kDeadlineExceeded;
  }
  switch (status.code()) {
    case StatusCode::kUserFunction:
      if (job_.poison.empty()) violate("the job failed by a function that does not exist");
      return;
    case StatusCode::kUnavailable:
      if (deaths != job_.options.max_worker_deaths + 1) violate("the job failed after too few deaths");
      return;
    case StatusCode::kIoError:
      if (verdict_->errors.empty()) {
        for (const auto& [task, times] : losses_) {
          if (times > job_.options.max_output_losses) return;
        }
        return violate("the job failed for losses that were not");
      }
      [[fallthrough]];
    case StatusCode::kDeadlineExceeded:
      if (failures != job_.options.max_retries + 1) violate("the job failed after another number of attempts than set");
      return;
    default:
      violate("the job failed for no reason: " + status.to_string());
  }
}

/// All that was computed saw the same contents: no mix of two runs of an indeterminate task.
void SimulatedDriver::check_contents() {
  std::map<TaskRef, std::uint64_t> seen;
  for (const auto& [task, record] : journal_) seen[task] = record.content;
  for (const auto& [task, record] : journal_) {
    for (const auto& [input, content] : record.reads) {
      const auto [known, is_new] = seen.emplace(input, content);
      if (!is_new && known->second != content) {
        violate("stage " + std::to_string(task.stage) + ", partition " + std::to_string(task.partition) +
                " read other rows of stage " + std::to_string(input.stage) + ", partition " +
                std::to_string(input.partition) + " than the rest");
      }
    }
  }
}

void SimulatedDriver::violate(const std::string& what) {
  if (!report_.violation.empty()) return;
  report_.violation = what;
  for (const std::string& line : log_) report_.violation += "\n  " + line;
}

void SimulatedDriver::note(std::string line) {
  constexpr std::size_t kKept = 120;
  log_.push_back(std::to_string(static_cast<double>(cluster_.now_ns()) * 1e-9) + " s  " + std::move(line));
  if (log_.size() > kKept) log_.pop_front();
}

}  // namespace millpond
