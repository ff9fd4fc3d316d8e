#include "runner/gpu_numbers.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace millpond {
namespace {

// Forgives the rounding of adding shares like 0.1.
constexpr double kSlack = 1e-9;

}  // namespace

GpuNumbers::GpuNumbers(double count, const std::vector<std::pair<double, std::vector<int>>>& held)
    : used_(static_cast<std::size_t>(std::max(0.0, std::ceil(count - kSlack))), 0) {
  for (const auto& [share, numbers] : held) {
    for (const int number : numbers) {
      if (number >= 0 && number < std::ssize(used_)) used_[static_cast<std::size_t>(number)] += std::min(share, 1.0);
    }
  }
}

std::optional<std::vector<int>> GpuNumbers::choose(double wanted) const {
  std::vector<int> chosen;
  if (wanted <= kSlack) return chosen;
  if (wanted < 1 - kSlack) {
    // The fullest that has room: whole ones are kept for who needs them.
    int best = -1;
    for (int i = 0; i < std::ssize(used_); ++i) {
      const double used = used_[static_cast<std::size_t>(i)];
      if (used + wanted > 1 + kSlack) continue;
      if (best < 0 || used > used_[static_cast<std::size_t>(best)]) best = i;
    }
    if (best < 0) return std::nullopt;
    chosen.push_back(best);
    return chosen;
  }
  const auto whole = static_cast<std::size_t>(std::ceil(wanted - kSlack));
  for (int i = 0; i < std::ssize(used_) && chosen.size() < whole; ++i) {
    if (used_[static_cast<std::size_t>(i)] <= kSlack) chosen.push_back(i);
  }
  if (chosen.size() < whole) return std::nullopt;
  return chosen;
}

}  // namespace millpond
