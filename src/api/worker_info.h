#pragma once

#include <string>
#include <vector>

#include "millpond/version.h"
#include "runner/worker_info.h"
#include "sql/engine.h"

namespace millpond {

/// Of the partition hash (docs/partition-hash.md); goes into journals and handshakes.
inline constexpr std::int64_t kHashVersion = 1;

/// The arguments that tell a worker how large an engine to open.
std::vector<std::string> worker_arguments(const EngineOptions& options);

/// What workers of this process's kind must match.
WorkerInfo worker_info(const Engine& engine);

}  // namespace millpond
