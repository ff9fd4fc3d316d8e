#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "schedule/events.h"
#include "stage/stage.h"
#include "task/task.h"

namespace millpond {

/// The result of a task; nullptr while it has none.
using ResultOf = std::function<const TaskResult*(std::int64_t stage, std::int64_t task)>;

/// How heavy the tasks of `reader` are beside each other: the bytes that each reads of the shuffled stages before it, as
/// far as these have results, and of rows that were kept. Empty where the partitions of a shuffle aren't the tasks' own, and
/// for a limit, whose first tasks go first. O(segments of these stages).
std::vector<event::TaskHint> task_weights(const Stage& reader, const std::vector<Stage>& stages, const ResultOf& result_of);

/// Which tasks of `reader` one thread is enough for, by number: those that only read exchange data and are at most twice as
/// heavy as the mean, where `to_do`, those that have to run, are four or more for each of `threads`. Empty: none. What it reads
/// is there. Cost: as above.
std::vector<bool> one_thread_tasks(const Stage& reader, const std::vector<Stage>& stages, const ResultOf& result_of,
                                   std::int64_t to_do, std::int64_t threads);

/// Whether tasks of the stage read one partition each of the shuffled stage `upstream`.
bool reads_shuffled(const Stage& reader, std::int64_t upstream);

}  // namespace millpond
