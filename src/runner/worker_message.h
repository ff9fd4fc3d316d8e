#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "runner/worker_info.h"
#include "task/task.h"

namespace millpond {

/// One message between driver and worker, either way. Which fields are set follows from the type.
struct WorkerMessage {
  enum class Type {
    kHello,      ///< Worker, first: info and pid.
    kWelcome,    ///< Driver's answer, again when they change: heartbeat_ms, store_settings.
    kRefuse,     ///< Driver's other answer: status.
    kRun,        ///< Driver: attempt, task.
    kCancel,     ///< Driver: attempt.
    kShutdown,   ///< Driver: end after the current task, which is cancelled.
    kResult,     ///< Worker: attempt, result.
    kHeartbeat,  ///< Worker, every heartbeat_ms.
  };
  Type type = Type::kHeartbeat;
  WorkerInfo info;
  std::int64_t pid = 0;
  std::int64_t heartbeat_ms = 1000;
  std::string store_settings;        ///< ObjectStore::settings(): secret.
  Status status;
  std::string attempt;
  std::optional<Task> task;          ///< kRun; absent when it can't be read: `status` says why.
  std::optional<TaskResult> result;  ///< kResult, likewise.
};

/// The message as one frame. kInvalidArgument when it is too large.
Result<std::string> encode_message(const WorkerMessage& message);

/// kDataCorrupt for what is no message of ours.
Result<WorkerMessage> decode_message(const std::string& payload);

}  // namespace millpond
