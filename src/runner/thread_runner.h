#pragma once

#include <cstdint>
#include <memory>

#include "runner/inbox.h"
#include "runner/runner.h"

namespace millpond {

/// `slots` threads of this process, started when first needed; further tasks wait in order.
/// A cancelled task that doesn't look at its flag keeps its thread until it ends, and so does shutdown().
std::unique_ptr<Runner> make_thread_runner(RunTask run, std::int64_t slots, std::shared_ptr<Inbox> inbox = nullptr);

}  // namespace millpond
