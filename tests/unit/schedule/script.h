#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "schedule/scheduler.h"

namespace millpond {

/// A scheduler whose actions read as text: "start 1.0 #3 @0", "cancel #3", "accept 1.0 #3", "drop #3",
/// "invalidate 1.0", "finished 1", "job ok", "job unavailable".
class Script {
 public:
  explicit Script(std::vector<StageShape> stages, SchedulerOptions options = {})
      : scheduler_(make(std::move(stages), options)) {}

  Scheduler& scheduler() { return scheduler_; }
  const action::JobFinished& verdict() const { return verdict_; }
  const std::vector<Resources>& granted() const { return granted_; }

  std::string send(const Event& event) {
    std::string text;
    for (const Action& action : scheduler_.handle(event)) {
      if (!text.empty()) text += ", ";
      text += std::visit([this](const auto& a) { return tell(a); }, action);
    }
    return text;
  }
  std::string begin(std::int64_t slots = 1, Resources resources = {}) {
    send(event::Tick{1000});
    std::string text = join(0, slots, resources);
    const std::string started = send(event::JobStarted{});
    return text + started;
  }
  std::string join(std::int64_t worker, std::int64_t slots = 1, Resources resources = {}) {
    return send(event::WorkerJoined{worker, slots, resources});
  }
  std::string lose_worker(std::int64_t worker) { return send(event::WorkerLost{worker, "it was unplugged"}); }
  std::string ok(TaskRef task, std::int64_t attempt, double seconds = 1) {
    return send(event::TaskFinished{task, attempt, Status::ok(), seconds, false});
  }
  std::string fail(TaskRef task, std::int64_t attempt, StatusCode code, const std::string& message = "it failed") {
    return send(event::TaskFinished{task, attempt, Status(code, message), 1, false});
  }
  std::string die(TaskRef task, std::int64_t attempt) {
    return send(event::TaskFinished{task, attempt, Status(StatusCode::kUnavailable, "killed"), 1, true});
  }
  std::string lost(TaskRef task) { return send(event::OutputLost{task}); }
  std::string reuse(TaskRef task) { return send(event::TaskReused{task}); }
  std::string satisfy(std::int64_t stage) { return send(event::StageSatisfied{stage}); }
  /// Lets time pass in steps that count in full.
  std::string pass(double seconds) {
    std::string text;
    for (; seconds > 0; seconds -= 5) {
      now_ns_ += static_cast<std::int64_t>(std::min(seconds, 5.0) * 1e9);
      const std::string now = send(event::Tick{now_ns_});
      text += text.empty() || now.empty() ? now : ", " + now;
    }
    return text;
  }

 private:
  static Scheduler make(std::vector<StageShape> stages, SchedulerOptions options) {
    Result<Scheduler> scheduler = Scheduler::create(std::move(stages), options);
    REQUIRE(scheduler.is_ok());
    return std::move(*scheduler);
  }
  static std::string name(TaskRef task) { return std::to_string(task.stage) + "." + std::to_string(task.partition); }
  static std::string number(std::int64_t attempt) { return "#" + std::to_string(attempt); }

  std::string tell(const action::Start& a) {
    granted_.push_back(a.resources);
    return "start " + name(a.task) + " " + number(a.attempt) + " @" + std::to_string(a.worker);
  }
  std::string tell(const action::Cancel& a) { return "cancel " + number(a.attempt); }
  std::string tell(const action::Accept& a) { return "accept " + name(a.task) + " " + number(a.attempt); }
  std::string tell(const action::Drop& a) { return "drop " + number(a.attempt); }
  std::string tell(const action::Invalidate& a) { return "invalidate " + name(a.task); }
  std::string tell(const action::StageFinished& a) { return "finished " + std::to_string(a.stage); }
  std::string tell(const action::JobFinished& a) {
    verdict_ = a;
    return "job " + std::string(status_code_name(a.status.code()));
  }

  Scheduler scheduler_;
  action::JobFinished verdict_;
  std::vector<Resources> granted_;
  std::int64_t now_ns_ = 1000;
};

/// A stage that reads all of those before it; kSame for the ones listed in `same`.
inline StageShape stage(std::int64_t id, std::int64_t tasks, std::vector<std::int64_t> all = {},
                        std::vector<std::int64_t> same = {}, Determinacy determinacy = Determinacy::kDeterminate) {
  StageShape shape;
  shape.id = id;
  shape.tasks = tasks;
  for (const std::int64_t upstream : all) shape.dependencies.push_back({upstream, DependencyKind::kAll});
  for (const std::int64_t upstream : same) shape.dependencies.push_back({upstream, DependencyKind::kSame});
  shape.determinacy = determinacy;
  return shape;
}

}  // namespace millpond
