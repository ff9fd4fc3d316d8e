#pragma once

#include <cstdint>

namespace millpond {

struct SchedulerOptions {
  /// Attempts of a task after its first that failed by its own fault, before the job fails.
  std::int64_t max_retries = 3;
  /// Deaths of workers under one task before the task is held to be their cause. The driver's deaths don't count.
  std::int64_t max_worker_deaths = 8;
  /// Losses of one task's committed output before the job fails: its storage can't be relied on.
  std::int64_t max_output_losses = 8;
  /// Wait before the first retry; doubles with each further one up to max_retry_delay_seconds. After a worker's death
  /// and for want of memory there is none.
  double retry_delay_seconds = 0.1;
  double max_retry_delay_seconds = 5;
  /// An attempt that runs longer is cancelled and counts as failed (kDeadlineExceeded). 0: no limit.
  double task_deadline_seconds = 0;
  /// Start a second attempt of a straggler on another worker when slots are free. Never with fewer than two workers.
  bool speculation = true;
  double speculation_quantile = 0.75;    ///< Share of the stage's tasks that must be done.
  double speculation_multiplier = 1.5;   ///< Times the median of their seconds.
  double speculation_min_seconds = 1;
  /// How long a failed or cancelled job waits for its running attempts to end.
  double drain_seconds = 10;
  /// How long ready tasks may wait with no worker that could ever take them before the job fails.
  double placement_seconds = 60;
};

}  // namespace millpond
