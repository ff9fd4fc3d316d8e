#include "stage/figures.h"

#include <algorithm>

#include "stage/rows.h"

namespace millpond {
namespace {

template <typename T>
double median(std::vector<T> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return static_cast<double>(values[middle]);
  return (static_cast<double>(values[middle - 1]) + static_cast<double>(values[middle])) / 2;
}

}  // namespace

StageFigures stage_figures(const Stage& stage, const std::vector<TaskRecord>& tasks) {
  StageFigures figures;
  std::vector<double> seconds;
  std::vector<std::int64_t> rows;
  for (const TaskRecord& task : tasks) {
    if (!task.has_result) {
      ++figures.tasks_unneeded;
      continue;
    }
    if (task.partitions == 0) {
      ++figures.tasks_idle;
      continue;
    }
    figures.parts_of_partitions += task.is_part ? 1 : 0;
    const TaskMetrics& metrics = task.metrics;
    figures.rows_in += metrics.rows_in;
    figures.rows_out += metrics.rows_out;
    figures.bytes_out += metrics.bytes_out;
    if (task.is_reused) {
      ++figures.tasks_reused;
      continue;
    }
    ++figures.tasks_run;
    figures.seconds += metrics.seconds;
    figures.spill_bytes += metrics.spill_bytes;
    figures.peak_memory_bytes = std::max(figures.peak_memory_bytes, metrics.peak_memory_bytes);
    seconds.push_back(metrics.seconds);
    rows.push_back(metrics.rows_in);
  }
  if (!seconds.empty()) {
    figures.slowest_seconds = *std::max_element(seconds.begin(), seconds.end());
    figures.median_seconds = median(seconds);
    figures.largest_rows_in = *std::max_element(rows.begin(), rows.end());
    figures.median_rows_in = median(rows);
  }
  if (!tells_rows(stage)) figures.rows_in = -1;
  const auto tells = [](const TaskRecord& task) { return task.tells_rows; };
  if (!std::all_of(tasks.begin(), tasks.end(), tells)) figures.rows_out = -1;
  return figures;
}

}  // namespace millpond
