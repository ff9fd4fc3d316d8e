#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "millpond/status.h"
#include "task/task.h"

namespace millpond {

/// A task of the job, by place. Numbers are those of the stage graph, not of Task::id.
struct TaskRef {
  std::int64_t stage = 0;      ///< StageShape::id.
  std::int64_t partition = 0;  ///< 0 … tasks-1.

  bool operator==(const TaskRef&) const = default;
  auto operator<=>(const TaskRef&) const = default;
};

/// What happened. Every event is a value; the scheduler never looks at a clock or a file itself.
namespace event {

/// Send once, after every TaskReused that the journal gives. Nothing starts before it.
struct JobStarted {};

/// The journal holds a result for this task whose files verify. It will not run.
struct TaskReused {
  TaskRef task;
};

/// What the driver knows of a task before it runs; may come again, and changes only what has not started.
struct TaskHint {
  TaskRef task;
  double weight = 0;       ///< Its work beside that of the stage's other tasks, such as bytes to read; 0: as others.
                           ///< Heavier ones start first, and may take longer before they count as late.
  std::int64_t node = -1;  ///< WorkerJoined::node where most of what it reads from outside the job lies; -1: anywhere.
};

/// An attempt ended. A runner reports every started attempt exactly once, also cancelled ones: until then the
/// attempt keeps its slot. Reports of attempts that no longer count are answered with action::Drop.
struct TaskFinished {
  TaskRef task;
  std::int64_t attempt = 0;   ///< From action::Start.
  Status status;
  double seconds = 0;         ///< How long it ran; feeds speculation.
  bool worker_died = false;   ///< The process died under it: counted as a worker's death, not as the task's failure.
  std::int64_t output_bytes = 0;  ///< Kept on the worker's node: what reads most of it runs there if it can.
};

/// A worker can take `slots` attempts at once. `resources` is what it has in all; 0 means not counted, but for gpus
/// and custom ones, of which it then has none. Workers may differ, and join at any time.
/// The in-process runners join once as one worker with all their slots.
struct WorkerJoined {
  std::int64_t worker = 0;
  std::int64_t slots = 1;
  Resources resources;
  std::int64_t node = 0;      ///< Workers of one machine have the same number, not negative.
};

/// A worker will leave: it gets nothing new, and what runs there may end. WorkerLost says that it has gone.
struct WorkerDraining {
  std::int64_t worker = 0;
};

/// A worker is gone with all that ran on it. What it would still report is dropped, also when it comes back.
struct WorkerLost {
  std::int64_t worker = 0;
  std::string reason;         ///< For messages: "killed by signal 9 (SIGKILL)".
};

/// The committed output of a task is gone. The task runs again as soon as (and only if) something needs it. When it is
/// indeterminate, everything computed from it is invalidated at that moment.
/// Send it before the failure of a consumer that it caused; that failure then does not count.
struct OutputLost {
  TaskRef task;
};

/// What the stage's accepted tasks gave is enough (a LIMIT). The rest, and what only the rest needs, is cancelled.
/// Which tasks that are is chance: declare such a stage kIndeterminate, or a resumed job may mix two choices.
struct StageSatisfied {
  std::int64_t stage = 0;
};

/// Monotonic time. Send it before other events of the same moment; also when next_wakeup_ns() has passed.
struct Tick {
  std::int64_t monotonic_ns = 0;
};

/// Ends the job: by the user, or because the driver can't go on (its journal can't be written).
struct CancelRequested {
  Status reason = Status(StatusCode::kCancelled, "the job was cancelled");
};

}  // namespace event

using Event = std::variant<event::JobStarted, event::TaskReused, event::TaskHint, event::TaskFinished,
                           event::WorkerJoined, event::WorkerDraining, event::WorkerLost, event::OutputLost,
                           event::StageSatisfied, event::Tick, event::CancelRequested>;

/// What the driver has to do, in this order.
namespace action {

/// Run the task now on this worker. All its inputs are accepted.
struct Start {
  TaskRef task;
  std::int64_t attempt = 0;   ///< Unique in this scheduler, ascending from 1.
  std::int64_t worker = 0;    ///< As given by WorkerJoined.
  Resources resources;        ///< What the attempt may use; memory_bytes 0: the worker's memory is not known.
};

/// Stop the attempt; whatever it still reports is dropped.
struct Cancel {
  TaskRef task;
  std::int64_t attempt = 0;
};

/// The attempt's result is the task's result. Journal it before carrying out the actions that follow.
struct Accept {
  TaskRef task;
  std::int64_t attempt = 0;
};

/// The attempt's result does not count (a loser, a zombie, a failure). Its files may be removed.
struct Drop {
  TaskRef task;
  std::int64_t attempt = 0;
};

/// A result is void: it came from an indeterminate input that is computed anew, or it was offered for reuse too late.
/// Forget its journal record.
struct Invalidate {
  TaskRef task;
};

/// Every task of the stage that is needed has a result. Comes again if one was lost and recomputed.
/// Every stage finishes before a job that succeeds does.
struct StageFinished {
  std::int64_t stage = 0;
};

/// One failed attempt of the task that ended the job.
struct AttemptError {
  std::int64_t attempt = 0;
  Status status;
};

/// The last action. Success comes at once (losers may still be running: see num_running); a failure comes after
/// everything running was cancelled and has ended, or after drain_seconds.
struct JobFinished {
  Status status;                     ///< For a failed task: its last error, with the earlier ones in the detail.
  std::vector<AttemptError> errors;  ///< All errors of that task, in order.
};

}  // namespace action

using Action = std::variant<action::Start, action::Cancel, action::Accept, action::Drop, action::Invalidate,
                            action::StageFinished, action::JobFinished>;

}  // namespace millpond
