#pragma once

#include <cstdint>
#include <vector>

#include "stage/stage.h"
#include "task/task.h"

namespace millpond {

/// One task of a stage, after its job.
struct TaskRecord {
  bool has_result = false;  ///< False: nothing needed it.
  bool is_reused = false;   ///< Its result was there already: an earlier run of the job, or another frame, made it.
  std::int64_t partitions = 1;  ///< That it read; 0: others read what there was.
  bool is_part = false;     ///< It read its partition in part, as others did.
  bool tells_rows = true;   ///< False: what it wrote does not say how many rows it holds.
  TaskMetrics metrics;      ///< Of the run that made the result.
};

/// What the tasks of a stage used and did. Times and skew are of the tasks that ran.
struct StageFigures {
  std::int64_t tasks_run = 0;
  std::int64_t tasks_reused = 0;
  std::int64_t tasks_idle = 0;      ///< Their partitions were read by others.
  std::int64_t parts_of_partitions = 0;  ///< Tasks that read a part of a partition.
  std::int64_t tasks_unneeded = 0;  ///< Their rows were not asked for any more.
  std::int64_t rows_in = 0;         ///< -1: an input's format does not tell.
  std::int64_t rows_out = 0;        ///< -1: the files that were written don't tell.
  std::int64_t bytes_out = 0;
  std::int64_t spill_bytes = 0;
  std::int64_t peak_memory_bytes = 0;  ///< The largest that a task saw.
  double seconds = 0;                  ///< Of all tasks together.
  double slowest_seconds = 0;
  double median_seconds = 0;
  std::int64_t largest_rows_in = 0;
  double median_rows_in = 0;

  bool operator==(const StageFigures&) const = default;
};

/// Sums up a stage's tasks.
StageFigures stage_figures(const Stage& stage, const std::vector<TaskRecord>& tasks);

}  // namespace millpond
