#pragma once

#include <memory>

#include "runner/runner.h"

namespace millpond {

/// Sends tasks with `call` set to `calls` and all others to `local`. Both must have been made with the same Inbox,
/// so that one wait hears both. Slots are the larger of the two: they share the machine.
std::unique_ptr<Runner> make_routed_runner(std::unique_ptr<Runner> local, std::unique_ptr<Runner> calls);

}  // namespace millpond
