#pragma once

#include <algorithm>
#include <cstdint>

namespace millpond {

inline constexpr std::int64_t kNsPerSecond = 1'000'000'000;

inline std::int64_t seconds_to_ns(double seconds) {
  // A year and more is for ever; the product would not fit.
  return static_cast<std::int64_t>(std::clamp(seconds, 0.0, 4e7) * static_cast<double>(kNsPerSecond));
}

/// The scheduler's time: the sum of the steps between Ticks, each cut at ten seconds. A driver that was stopped for an
/// hour so doesn't find every deadline missed, while the reports that prove otherwise wait in its sockets.
class PatientClock {
 public:
  void tick(std::int64_t monotonic_ns) {
    if (ticked_) now_ += std::clamp<std::int64_t>(monotonic_ns - last_, 0, kLongestStep);
    last_ = ticked_ ? std::max(last_, monotonic_ns) : monotonic_ns;
    ticked_ = true;
  }
  std::int64_t now() const { return now_; }
  /// When the driver should tick for `due` of our time; never farther off than a step that counts in full.
  std::int64_t driver_time(std::int64_t due) const {
    return last_ + std::clamp<std::int64_t>(due - now_, 0, kLongestStep / 2);
  }

 private:
  static constexpr std::int64_t kLongestStep = 10 * kNsPerSecond;
  std::int64_t now_ = 0;
  std::int64_t last_ = 0;
  bool ticked_ = false;
};

}  // namespace millpond
