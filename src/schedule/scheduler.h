#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "millpond/result.h"
#include "schedule/events.h"
#include "schedule/scheduler_options.h"
#include "schedule/stage_shape.h"

namespace millpond {

/// Decides what runs when: events in, actions out. Holds no thread, clock or file, so a run is a function of its
/// events and can be simulated.
///
/// - A task starts when its inputs are accepted and something needs it; the first success of its attempts is accepted.
/// - Stages deeper in the graph go first, so that what was computed is consumed before more is made.
/// - A gap of more than ten seconds between Ticks counts as ten: the driver itself stood still, and nobody is blamed.
/// - Retry looks only at the code. An attempt out of memory comes again with half a worker, then alone on a whole one,
///   then on larger ones.
/// - In a stage the heavier task goes first (TaskHint), and each to the node with most of its input while that is free.
/// - An attempt that takes too long gets a second one beside it where slots are idle; after twice that time, at once.
///
/// Cost: about 50 bytes a task, nothing an edge; a few microseconds an event, whatever the number of tasks and workers
/// (docs/decisions/0018). Thread-compatible.
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
