#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "millpond/result.h"
#include "schedule/events.h"
#include "schedule/stage_shape.h"

namespace millpond {

struct SchedulerOptions {
  /// Attempts of a task after its first that failed by its own fault, before the job fails.
  std::int64_t max_retries = 3;
  /// Deaths of workers under one task before the task is held to be their cause. The driver's deaths don't count.
  std::int64_t max_worker_deaths = 8;
  /// Wait before the first retry; doubles with each further one up to max_retry_delay_seconds. Workers' deaths don't wait.
  double retry_delay_seconds = 0.1;
  double max_retry_delay_seconds = 5;
  /// An attempt that runs longer is cancelled and counts as failed (kDeadlineExceeded). 0: no limit.
  double task_deadline_seconds = 0;
  /// Start a second attempt of a straggler on another worker when slots are free. Never with fewer than two workers.
  bool speculation = true;
  double speculation_quantile = 0.75;    ///< Share of the stage's tasks that must be done.
  double speculation_multiplier = 1.5;   ///< Times the median of their seconds.
  double speculation_min_seconds = 1;
  /// How long a failed or cancelled job waits for its running attempts to end.
  double drain_seconds = 10;
  /// How long ready tasks may wait with no worker that could ever take them before the job fails.
  double placement_seconds = 60;
};

/// Decides what runs when: events in, actions out. Holds no thread, clock or file, so a run is a function of its
/// events and can be simulated.
///
/// - A task starts when its inputs are accepted and something needs it; the first success of its attempts is accepted.
/// - Stages deeper in the graph go first, so that what was computed is consumed before more is made.
/// - Retry looks only at the code. An attempt out of memory comes again with half a worker, then with a whole one alone.
///
/// Cost: about 50 bytes a task, nothing an edge; a few microseconds an event. Thread-compatible.
class Scheduler {
 public:
  /// kInvalidArgument for duplicate ids, unknown dependencies, cycles, or kSame between stages of different size.
  static Result<Scheduler> create(std::vector<StageShape> stages, SchedulerOptions options = {});
  ~Scheduler();
  Scheduler(Scheduler&&) noexcept;
  Scheduler& operator=(Scheduler&&) noexcept;

  /// Takes one event and says what to do. After JobFinished only Drop comes. Events about unknown stages, tasks,
  /// attempts or workers change nothing.
  std::vector<Action> handle(const Event& event);

  /// When a Tick is due even if nothing happens, on the clock of the Ticks; none while only reports are awaited.
  std::optional<std::int64_t> next_wakeup_ns() const;

  /// Attempts started and not yet reported, cancelled ones included.
  std::int64_t num_running() const;
  /// Tasks of the stage with an accepted result. 0 for an unknown stage.
  std::int64_t num_accepted(std::int64_t stage) const;
  /// Whether the task has an accepted result.
  bool is_accepted(TaskRef task) const;
  /// Whether StageSatisfied made the task superfluous: it has no result, and consumers read nothing of it.
  bool is_skipped(TaskRef task) const;
  /// Whether a needed task that has no result yet would read the task's output. When not, its data may be removed
  /// (send OutputLost then, so that a later loss downstream finds it missing); tasks of last stages are always needed.
  bool is_needed(TaskRef task) const;
  /// Whether JobFinished was said.
  bool is_finished() const;

 private:
  class Impl;
  explicit Scheduler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millpond
