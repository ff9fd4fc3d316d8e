#pragma once

#include <memory>

#include "runner/inbox.h"
#include "runner/runner.h"

namespace millpond {

/// One slot: wait() runs the next started task on the caller's own thread, whatever its timeout.
/// cancel() reaches tasks that have not begun.
std::unique_ptr<Runner> make_inline_runner(RunTask run, std::shared_ptr<Inbox> inbox = nullptr);

}  // namespace millpond
