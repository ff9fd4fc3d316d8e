#include "schedule/stragglers.h"

#include <algorithm>

namespace millpond {

void Stragglers::add(std::size_t stage, double seconds) {
  stages_[stage].seconds.push_back(static_cast<float>(seconds));
}

std::optional<double> Stragglers::limit(std::size_t stage, std::int64_t tasks, const SchedulerOptions& options) {
  Stage& times = stages_[stage];
  const auto finished = static_cast<double>(times.seconds.size());
  const double enough = options.speculation_quantile * static_cast<double>(tasks);
  if (times.seconds.empty() || finished < enough) return std::nullopt;
  if (times.measured != times.seconds.size()) {
    std::vector<float> sorted = times.seconds;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    times.median = *middle;
    times.measured = sorted.size();
  }
  return std::max(options.speculation_min_seconds, options.speculation_multiplier * times.median);
}

}  // namespace millpond
