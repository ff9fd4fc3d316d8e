#include "schedule/stragglers.h"

#include <algorithm>

namespace millpond {

void Stragglers::add(std::size_t stage, double seconds_per_weight) {
  Stage& times = stages_[stage];
  // Through the lower half, so that each half holds what belongs there.
  times.lower.push(static_cast<float>(seconds_per_weight));
  times.upper.push(times.lower.top());
  times.lower.pop();
  if (times.upper.size() <= times.lower.size() + 1) return;
  times.lower.push(times.upper.top());
  times.upper.pop();
}

std::optional<double> Stragglers::limit(std::size_t stage, std::int64_t tasks, double quantile,
                                        const SchedulerOptions& options) const {
  const Stage& times = stages_[stage];
  const auto finished = static_cast<double>(times.lower.size() + times.upper.size());
  if (times.upper.empty() || finished < quantile * static_cast<double>(tasks)) return std::nullopt;
  const auto median = static_cast<double>(times.upper.top());
  return std::max(options.speculation_min_seconds, options.speculation_multiplier * median);
}

}  // namespace millpond
