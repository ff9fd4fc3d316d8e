#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "schedule/dependency_graph.h"

namespace millpond {

/// Where a task stands. Waiting to running are called open: needed and without a result.
enum class TaskState : std::uint8_t {
  kIdle,      ///< No result, and nothing needs one.
  kWaiting,   ///< Needed; its inputs have no result yet.
  kReady,     ///< Could start.
  kDelayed,   ///< Failed; waits for its next attempt.
  kRunning,   ///< Has an attempt that counts.
  kAccepted,  ///< Has a result.
  kSkipped,   ///< Superfluous: its stage is satisfied without it.
};
inline constexpr std::size_t kNumTaskStates = 7;

/// Which tasks are needed, ready and done. Work is demanded from the last stages backwards, so that what nothing
/// needs is never run, in particular not after a resume whose later results are known. One byte a task.
class Progress {
 public:
  explicit Progress(const DependencyGraph& graph);

  /// What the caller must see to, in the order of the fields.
  struct Changes {
    std::vector<std::int64_t> abandoned;    ///< Their attempts no longer count.
    std::vector<std::int64_t> invalidated;  ///< Their results no longer count.
    std::vector<std::size_t> finished;      ///< Stages without open tasks.
    std::vector<std::int64_t> ready;        ///< Just became ready.
  };
  Changes take_changes();

  /// Demands the last stages. Nothing is open before.
  void start();
  /// The task has a result.
  void accept(std::int64_t task);
  /// An accepted result is gone. Returns whether the task is needed and so open again.
  bool lose(std::int64_t task);
  /// The stage needs no more results than it has.
  void satisfy(std::size_t stage);

  void set_running(std::int64_t task);
  void set_delayed(std::int64_t task);
  /// An open task without attempts becomes ready, or waits for inputs that were lost meanwhile.
  void requeue(std::int64_t task);
  /// Whether a ready task still is; otherwise it waits for inputs again.
  bool confirm_ready(std::int64_t task);

  /// Whether all inputs have results (or are skipped). False for a running task whose input was lost under it.
  bool has_inputs(std::int64_t task) const;

  TaskState state(std::int64_t task) const { return states_[static_cast<std::size_t>(task)]; }
  bool is_open(std::int64_t task) const { return is_open(state(task)); }
  /// Whether something open reads the task's output, or it belongs to a last stage.
  bool is_needed(std::int64_t task) const;
  std::int64_t count(std::size_t stage, TaskState state) const {
    return counts_[stage][static_cast<std::size_t>(state)];
  }
  std::int64_t num_open(std::size_t stage) const;
  /// Open tasks of all stages: 0 after start() means that the job is done.
  std::int64_t num_open() const { return total_open_; }
  /// Ready tasks of all stages.
  std::int64_t num_ready() const { return total_ready_; }

 private:
  /// A stage's tasks, or one of them.
  struct Scope {
    std::size_t stage = 0;
    std::int64_t partition = -1;  ///< -1: all.
  };
  static bool is_open(TaskState state) { return state >= TaskState::kWaiting && state <= TaskState::kRunning; }
  std::int64_t num_missing(std::size_t stage) const;
  std::int64_t task_of(const DependencyGraph::Edge& edge, std::int64_t partition) const;
  void set_state(std::size_t stage, std::int64_t task, TaskState state);
  bool inputs_ready(std::size_t stage, std::int64_t partition) const;
  void make_ready(std::size_t stage, std::int64_t task);

  void demand(std::int64_t task);
  void demand_inputs(std::size_t stage, std::int64_t partition, std::vector<std::int64_t>& next) const;
  void wake_consumers(std::size_t stage, std::int64_t partition);
  void wake_stage(std::size_t stage);
  void release_inputs(std::vector<Scope> closed);
  void announce(std::size_t stage);

  void settle();
  void invalidate_consumers(std::int64_t task);
  std::vector<Scope> downstream_of(std::int64_t task) const;
  bool was_used(std::int64_t task) const;
  void invalidate(const Scope& scope);
  void demand_needed(const Scope& scope);

  const DependencyGraph& graph_;
  std::vector<TaskState> states_;
  std::vector<std::array<std::int64_t, kNumTaskStates>> counts_;
  std::vector<bool> announced_;
  std::vector<bool> satisfied_;
  std::vector<std::int64_t> reruns_;  ///< Indeterminate tasks just demanded: earlier results from them are void.
  Changes changes_;
  std::int64_t total_open_ = 0;
  std::int64_t total_ready_ = 0;
  bool started_ = false;
};

}  // namespace millpond
