#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace millpond {

/// This process as others can look for it: {"host", "boot_id", "pid_namespace", "pid", "started"}, the last one in the kernel's
/// clock ticks since the boot.
Json this_process();

/// Whether who described himself so is dead for certain: a process of this machine that is gone. False for those of other
/// machines and containers, of which nobody here can tell.
bool is_surely_dead(const Json& process);

/// Whether it is alive for certain: a process of this machine that runs.
bool is_surely_alive(const Json& process);

/// "process 17 on host".
std::string name_of_process(const Json& process);

/// The machine's name; empty when it has none.
std::string host_name();

/// The kernel's name for the machine's run since its last start.
std::string boot_id();

}  // namespace millpond
