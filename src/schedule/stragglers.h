#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "schedule/scheduler_options.h"

namespace millpond {

/// How long the tasks of each stage took, to tell which of the rest are late. Four bytes a finished task.
class Stragglers {
 public:
  explicit Stragglers(std::size_t num_stages) : stages_(num_stages) {}

  void add(std::size_t stage, double seconds);
  /// Seconds after which a task of the stage is late; none before enough of its `tasks` have ended.
  /// O(1), once after each finished task O(finished tasks).
  std::optional<double> limit(std::size_t stage, std::int64_t tasks, const SchedulerOptions& options);

 private:
  struct Stage {
    std::vector<float> seconds;
    std::size_t measured = 0;  ///< How many were there when the median was taken.
    double median = 0;
  };
  std::vector<Stage> stages_;
};

}  // namespace millpond
