#pragma once

#include <functional>
#include <string>

#include "millpond/result.h"
#include "runner/runner.h"
#include "runner/worker_info.h"

namespace millpond {

/// The whole life of a worker process on the socket `fd` (the last argument of its command): says hello, then runs the
/// tasks it is sent, one at a time, on the calling thread; a thread of its own listens for cancel and sends heartbeats.
/// Returns the exit code when the driver says shutdown: 0; when it refuses us or the socket breaks: 1. When the driver
/// is gone and the running task doesn't obey its cancel flag within two seconds, the process ends at once.
/// Switches off core dumps and asks the kernel to kill this process with its parent.
/// `welcomed` is called with the driver's store settings, before any task.
int worker_main(int fd, const WorkerInfo& info, RunTask run,
                const std::function<Status(const std::string& store_settings)>& welcomed = {});

}  // namespace millpond
