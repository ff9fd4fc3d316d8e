#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "millpond/result.h"
#include "millpond/worker_launcher.h"
#include "runner/inbox.h"
#include "runner/runner.h"
#include "runner/worker_info.h"

namespace millpond {

struct ProcessRunnerOptions {
  /// The worker's program and arguments; the number of its socket is appended. A name without '/' is sought in PATH.
  std::vector<std::string> command;
  /// Set: workers are started by it, on machines of its choice; `command`, `slots` and `log_directory` are not used.
  std::shared_ptr<WorkerLauncher> launcher;
  std::int64_t slots = 1;             ///< Worker processes, one task each; started when first needed.
  std::int64_t memory_bytes = 0;      ///< What they share; each is told its part by "--memory-limit". 0: not counted.
  double gpus = 0;                    ///< What this machine has; a worker is told which are its by "--gpus".
  std::map<std::string, double> resources;  ///< Others that tasks may ask for, by name.
  std::string log_directory;          ///< Holds worker-<n>.log with a worker's stdout and stderr; exists. Empty: no log.
  WorkerInfo info;                    ///< What a worker must match.
  /// What workers need to reach stores (ObjectStore::settings()); secret. Asked before each task; may be empty.
  std::function<std::string()> store_settings;
  std::chrono::milliseconds heartbeat{1000};
  std::chrono::milliseconds silence{20000};       ///< A worker that says nothing for so long is killed and replaced.
  std::chrono::milliseconds cancel_grace{5000};   ///< So long may a cancelled task go on before its worker is killed.
  std::chrono::milliseconds start_timeout{60000}; ///< From exec to hello.
};

/// A pool of worker processes (see worker_main) on socket pairs. A worker that dies fails its task with kUnavailable,
/// naming the signal or exit code, and is replaced. When workers end before their hello three times in a row, or don't
/// match `info`, the runner is of no use: its tasks and each further start() fail with the reason.
/// Workers end with the driver, also when it is killed. kInvalidArgument when the command is empty or slots < 1.
Result<std::unique_ptr<Runner>> make_process_runner(ProcessRunnerOptions options,
                                                    std::shared_ptr<Inbox> inbox = nullptr);

}  // namespace millpond
