#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "schedule/scheduler_options.h"

namespace millpond {

/// How long the tasks of each stage took for their weight, to tell which of the rest are late. Four bytes a finished
/// task.
class Stragglers {
 public:
  explicit Stragglers(std::size_t num_stages) : stages_(num_stages) {}

  /// O(log finished tasks).
  void add(std::size_t stage, double seconds_per_weight);
  /// Seconds for a weight of 1 after which a task of the stage is late; none before `quantile` of its `tasks` have
  /// ended. O(1).
  std::optional<double> limit(std::size_t stage, std::int64_t tasks, double quantile,
                              const SchedulerOptions& options) const;

 private:
  /// The lower half and the upper half; the median is the least of the upper.
  struct Stage {
    std::priority_queue<float> lower;
    std::priority_queue<float, std::vector<float>, std::greater<>> upper;
  };
  std::vector<Stage> stages_;
};

}  // namespace millpond
