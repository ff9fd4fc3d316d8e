#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "millpond/result.h"

namespace millpond {

/// A machine that workers can be started on. What it has is counted here; the launcher only tells it.
struct WorkerHost {
  std::int64_t node = 0;          ///< Not negative. One that comes back, or has other figures then, has another number.
  std::int64_t slots = 1;         ///< Workers there at once, at least 1.
  std::int64_t memory_bytes = 0;  ///< What they share; 0: not known.
  double gpus = 0;
  std::map<std::string, double> resources;  ///< Others, by the names that users gave them.
  bool is_draining = false;       ///< It will leave: what runs there may end, nothing new comes.

  bool operator==(const WorkerHost&) const = default;
};

/// What a worker may use of its host.
struct WorkerShare {
  std::int64_t node = 0;           ///< WorkerHost::node.
  std::int64_t memory_bytes = 0;   ///< 0: not known.
  double gpus = 0;
  std::vector<int> gpu_numbers;    ///< Which of the host's, from 0; those of less than a whole one are shared.

  bool operator==(const WorkerShare&) const = default;
};

/// How a worker ended.
struct WorkerEnd {
  std::string how;             ///< "was killed by signal 9 (SIGKILL)", "was lost with its node 10.0.0.7".
  bool out_of_memory = false;  ///< The machine's memory was used up.
};

/// Worker processes that live somewhere else, on other machines, and the files that lie with them. A session that has one
/// (SessionOptions::worker_launcher) runs all its tasks there. Implemented by whoever knows the machines.
/// Called by several threads at once. Nothing here may wait for a worker, but fetch().
class WorkerLauncher {
 public:
  virtual ~WorkerLauncher() = default;

  /// The machines as of now; they come and go. Asked several times a second.
  virtual std::vector<WorkerHost> hosts() = 0;

  /// Starts worker `number` (unique, ascending from 1) with its share of a host, and carries bytes between it and `fd`, one end of a stream socket,
  /// which is the launcher's to close: when the worker is gone, and never before what it said last has been passed on.
  /// Returns at once. kUnavailable when the machine can't take it now.
  virtual Status start(std::int64_t number, const WorkerShare& share, int fd) = 0;

  /// How a worker ended; none while it runs.
  virtual std::optional<WorkerEnd> ended(std::int64_t number) = 0;

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
