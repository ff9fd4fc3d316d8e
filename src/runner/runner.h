#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "millpond/result.h"
#include "task/task.h"

namespace millpond {

/// Runs one task to its end. Errors are in the result; `cancel` turns true when the attempt is no longer wanted.
/// Called by several threads at once.
using RunTask = std::function<TaskResult(const Task& task, const std::atomic<bool>& cancel)>;

/// An attempt that ended.
struct RunnerEvent {
  TaskResult result;         ///< result.task and result.attempt are always those of the started task.
  bool worker_died = false;  ///< The worker process died or fell silent under it; the status says how (kUnavailable).
};

/// Where attempts run: a machine, or this process.
struct RunnerPlace {
  std::int64_t node = 0;      ///< Not negative; a place that comes back has another number.
  std::int64_t slots = 1;     ///< Attempts at once.
  Resources resources;        ///< In all; memory_bytes 0: not counted.
  bool is_draining = false;   ///< Gets nothing new.

  bool operator==(const RunnerPlace&) const = default;
};

/// Carries out attempts. One thread drives a runner: all methods but wake() are called by it.
/// Each started attempt is reported by wait() exactly once, also when it was cancelled or its worker died.
class Runner {
 public:
  virtual ~Runner() = default;

  /// How many attempts can run at once, at least 1.
  virtual std::int64_t slots() const = 0;

  /// The places as of now. Machines come and go; what runs on one that is missing is reported as any dead worker's.
  virtual std::vector<RunnerPlace> places() { return {{0, slots(), {slots(), 0, 0}, false}}; }

  /// Takes a task; returns without waiting for it. `task.attempt` names the attempt and is unique in the runner's life.
  /// kUnavailable when no worker can be started (the message says why), kInternal when the name is taken.
  virtual Status start(Task task) = 0;

  /// The same at one of places(). `task.resources` is what the attempt may use of it.
  virtual Status start_at(std::int64_t node, Task task) {
    (void)node;
    return start(std::move(task));
  }

  /// Asks an attempt to stop; it is still reported (kCancelled, or its result when it was faster).
  /// A worker process that doesn't obey is killed after a while. An unknown or ended attempt: nothing.
  virtual void cancel(const std::string& attempt) = 0;

  /// The attempts that ended since the last call; waits for one at most `timeout`. Empty after the timeout or wake().
  virtual std::vector<RunnerEvent> wait(std::chrono::nanoseconds timeout) = 0;

  /// Makes a running or the next wait() return at once. Any thread.
  virtual void wake() = 0;

  /// Cancels what runs, ends threads and processes. Nothing is reported any more; idempotent; the destructor calls it.
  virtual void shutdown() = 0;
};

}  // namespace millpond
