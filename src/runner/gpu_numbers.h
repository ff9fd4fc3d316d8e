#pragma once

#include <optional>
#include <utility>
#include <vector>

namespace millpond {

/// Which of a machine's gpus workers use. A whole number of them is a worker's own; less than one is shared with others of
/// less than one.
class GpuNumbers {
 public:
  /// The gpus that are `held` by others; there are `count` in all.
  GpuNumbers(double count, const std::vector<std::pair<double, std::vector<int>>>& held);

  /// Numbers for `wanted` gpus; none when they aren't free now. Fractions above one are rounded up to whole gpus.
  std::optional<std::vector<int>> choose(double wanted) const;

 private:
  std::vector<double> used_;
};

}  // namespace millpond
