#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "millpond/result.h"

namespace millpond {

/// Worker processes that live somewhere else, on other machines, and the files that lie with them. A session that has one
/// (SessionOptions::worker_launcher) runs all its tasks there. Implemented by whoever knows the machines.
/// Called by several threads at once. Nothing here may wait for a worker, but fetch().
class WorkerLauncher {
 public:
  virtual ~WorkerLauncher() = default;

  /// How many workers there may be at once, at least 1; may grow and shrink as machines come and go.
  virtual std::int64_t slots() = 0;

  /// Starts worker `number` (unique, ascending from 1) and carries bytes between it and `fd`, one end of a stream socket,
  /// which is the launcher's to close: when the worker is gone, and never before what it said last has been passed on.
  /// Returns at once. kUnavailable when no machine can take it now.
  virtual Status start(std::int64_t number, int fd) = 0;

  /// How a worker ended ("was killed by signal 9 (SIGKILL)", "was lost with its node 10.0.0.7"); none while it runs.
  virtual std::optional<std::string> ended(std::int64_t number) = 0;

  /// Ends a worker at once. Nothing is heard of it any more; ended() tells so soon after, also when its machine is mute.
  virtual void kill(std::int64_t number) = 0;

  /// Bytes of a file that a worker made and that this machine doesn't have; none when no worker is known to have it.
  virtual std::optional<std::int64_t> size_of(const std::string& path) = 0;

  /// Brings such a file to this machine, under the same path. kNotFound with the file in its context when it is lost.
  virtual Status fetch(const std::string& path) = 0;

  /// Removes such a file wherever it lies; returns at once.
  virtual void remove(const std::string& path) = 0;
};

}  // namespace millpond
