#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace millpond {

/// Version of the messages between driver and worker.
inline constexpr std::int64_t kWorkerProtocol = 1;

/// What driver and worker must have in common, or rows would be read or placed differently.
struct WorkerInfo {
  std::int64_t protocol = kWorkerProtocol;
  std::string millpond_version;
  std::string duckdb_version;
  std::int64_t hash_version = 0;  ///< Of the partition hash.

  bool operator==(const WorkerInfo&) const = default;
};

/// kUnsupported naming the first field that differs, its two values, and what to do; OK when all are the same.
Status check_worker(const WorkerInfo& driver, const WorkerInfo& worker);

Json worker_info_to_json(const WorkerInfo& info);
Result<WorkerInfo> worker_info_from_json(const Json& json);

}  // namespace millpond
