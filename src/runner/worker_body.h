#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millpond/result.h"
#include "millpond/worker_launcher.h"
#include "runner/child_process.h"

namespace millpond {

/// The process of a worker, here or elsewhere, as its supervisor sees it: it can be looked at and killed.
class WorkerBody {
 public:
  virtual ~WorkerBody() = default;
  /// How it ended; none while it runs. Never blocks.
  virtual std::optional<ChildEnd> poll() = 0;
  /// Kills it with all that it started.
  virtual void kill() = 0;
  /// Called once after poll() told the end: what the worker left behind ends with it.
  virtual void bury() = 0;
};

/// A body and our non-blocking end of the socket to it, which the caller closes.
struct StartedWorker {
  std::unique_ptr<WorkerBody> body;
  int fd = -1;
};

/// A child of this process; see spawn_child for `command` and `log_path`.
Result<StartedWorker> start_child_worker(const std::vector<std::string>& command, const std::string& log_path);

/// A worker elsewhere.
Result<StartedWorker> start_remote_worker(std::shared_ptr<WorkerLauncher> launcher, std::int64_t number,
                                         const WorkerShare& share);

}  // namespace millpond
