#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "schedule/patient_clock.h"
#include "schedule/task_places.h"
#include "schedule/progress.h"
#include "schedule/ready_queue.h"
#include "schedule/retry_policy.h"
#include "schedule/scheduler.h"
#include "schedule/dependency_graph.h"
#include "schedule/stragglers.h"
#include "schedule/worker_pool.h"

namespace millpond {

/// Joins the parts: Progress knows what may run, WorkerPool where, retry_policy what a failure means.
class Scheduler::Impl {
 public:
  Impl(DependencyGraph graph, SchedulerOptions options);

  std::vector<Action> handle(const Event& event);
  std::optional<std::int64_t> next_wakeup_ns() const;

  const DependencyGraph& graph() const { return graph_; }
  const Progress& progress() const { return progress_; }
  std::int64_t num_running() const { return static_cast<std::int64_t>(attempts_.size()); }
  bool is_finished() const { return finished_; }

 private:
  struct Attempt {
    std::int64_t task = 0;
    std::int64_t worker = 0;
    Grant grant;
    std::int64_t started_ns = 0;
    bool live = true;          ///< Still counts; false once cancelled.
    bool excused = false;      ///< An input was lost under it: its failure doesn't count.
    bool speculative = false;
  };
  /// A task that needs a large part of a worker, and the worker that is kept free for it.
  struct Escalated {
    std::int64_t task = 0;
    std::optional<std::int64_t> reserved;
  };
  /// An attempt that takes longer than it should.
  struct Late {
    std::int64_t number = 0;
    double times = 1;  ///< The limit.
  };
  /// Times the limit; from here on a copy goes before what is ready.
  static constexpr double kVeryLate = 2;
  using Delayed = std::pair<std::int64_t, std::int64_t>;  // Due time, task.

  void on(const event::JobStarted&);
  void on(const event::TaskReused& e);
  void on(const event::TaskHint& e);
  void on(const event::TaskFinished& e);
  void on(const event::WorkerJoined& e);
  void on(const event::WorkerDraining& e);
  void on(const event::WorkerLost& e);
  void on(const event::OutputLost& e);
  void on(const event::StageSatisfied& e);
  void on(const event::Tick& e);
  void on(const event::CancelRequested& e);

  // attempts
  void start(std::int64_t task, const WorkerPool::Choice& choice, bool speculative);
  void cancel(std::int64_t number, Attempt& attempt);
  void cancel_all(std::int64_t task);
  void forget(std::map<std::int64_t, Attempt>::iterator attempt);
  std::vector<std::int64_t> attempts_of(std::int64_t task) const;
  void attempt_failed(std::int64_t number, const Attempt& attempt, const Status& status, bool worker_died);
  std::int64_t next_escalation(const Attempt& attempt) const;
  void drop_worker(std::int64_t worker, const std::string& reason);
  void check_deadlines();

  // what runs next
  void apply_changes();
  void dispatch();
  void dispatch_stages();
  bool is_full(std::size_t stage) const;
  bool dispatch_near(std::size_t rank, const Demand& demand);
  bool dispatch_one(std::size_t rank, const Demand& demand);
  void dispatch_escalated();
  bool place_escalated(Escalated& entry);
  bool may_speculate() const;
  void find_late();
  std::optional<double> times_late(std::int64_t number, const Attempt& attempt) const;
  bool is_tail(std::size_t stage) const;
  void copy_late(double times);
  void check_placement();
  Demand demand_of(std::int64_t task) const;

  // the end
  void fail_task(std::int64_t task);
  void fail_job(Status status, std::vector<action::AttemptError> errors);
  void check_end();

  Status out_of_memory_advice(const Attempt& attempt, const Status& status) const;

  TaskHistory& history(std::int64_t task) { return histories_[static_cast<std::size_t>(task)]; }
  const TaskHistory& history(std::int64_t task) const { return histories_[static_cast<std::size_t>(task)]; }

  const DependencyGraph graph_;
  const SchedulerOptions options_;
  Progress progress_;
  WorkerPool pool_;
  ReadyQueue queue_;
  TaskPlaces places_;
  Stragglers stragglers_;
  PatientClock clock_;
  std::vector<TaskHistory> histories_;
  std::map<std::int64_t, Attempt> attempts_;  // By number; ordered, so that a run is a function of its events.
  std::set<std::pair<std::int64_t, std::int64_t>> attempts_by_task_;  // Task, number; also those that don't count.
  std::list<Escalated> escalated_;                                    // In order of arrival.
  std::unordered_map<std::int64_t, std::int64_t> memory_tried_;       // By task: what wasn't enough.
  std::vector<Late> late_;                                            // The latest first, as of the last look.
  std::unordered_map<std::int64_t, std::vector<action::AttemptError>> errors_;
  std::priority_queue<Delayed, std::vector<Delayed>, std::greater<>> delayed_;
  std::vector<Action> actions_;

  std::int64_t last_attempt_ = 0;
  std::int64_t next_look_ns_ = 0;  // When late attempts are looked for again.
  std::optional<std::int64_t> blocked_since_;
  std::optional<std::int64_t> failed_since_;
  action::JobFinished failure_;
  bool started_ = false;
  bool finished_ = false;
};

}  // namespace millpond
