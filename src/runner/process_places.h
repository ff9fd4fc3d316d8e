#pragma once

#include <string>
#include <vector>

#include "runner/process_runner.h"

namespace millpond {

/// The command that starts a worker on this machine with its share of it.
std::vector<std::string> command_with(const ProcessRunnerOptions& options, const WorkerShare& share);

}  // namespace millpond
