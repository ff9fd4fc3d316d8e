#pragma once

#include <atomic>

#include "runner/runner.h"

namespace millpond {

/// Runs the task and makes the result name it; a C++ exception becomes kInternal.
TaskResult run_guarded(const RunTask& run, const Task& task, const std::atomic<bool>& cancel);

/// The result of an attempt that never ran or whose worker is gone.
TaskResult failed_result(const Task& task, Status status);

}  // namespace millpond
