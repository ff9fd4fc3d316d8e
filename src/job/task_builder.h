#pragma once

#include <cstdint>
#include <string>

#include "millpond/result.h"
#include "stage/resolve.h"
#include "stage/stage.h"
#include "task/task.h"

namespace millpond {

/// A task without its attempt, and the name of what it computes.
struct BuiltTask {
  Task task;
  /// XXH3-128 (hex) over the statement, inputs (files by path, size and time; exchange data by content), function, output
  /// and seed. Equal fingerprints: interchangeable results.
  std::string fingerprint;
};

/// Makes the task of one partition. Everything it reads must have a result.
/// `share`: which part of the stage's partitions it reads; null: the partition of its number.
/// `context`: JSON text of what the session adds to every statement (settings); part of the fingerprint.
Result<BuiltTask> build_task(const Stage& stage, std::int64_t partition, SourceResolver& resolver, const std::string& context,
                             const Share* share = nullptr);

}  // namespace millpond
