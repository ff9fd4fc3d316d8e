#pragma once

#include <atomic>
#include <cstdint>

namespace millpond {

/// Time; an interface so that tests decide what the time is. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Nanoseconds since the epoch, for people and file times. May jump; never used for deadlines.
  virtual std::int64_t now_ns() const = 0;
  /// Nanoseconds that only grow, for durations and deadlines.
  virtual std::int64_t monotonic_ns() const = 0;
};

/// The machine's clock.
const Clock& system_clock();

/// Stands still until told.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t now_ns = 0) : now_(now_ns) {}
  std::int64_t now_ns() const override { return now_.load(); }
  std::int64_t monotonic_ns() const override { return monotonic_.load(); }

  /// Lets time pass on both scales.
  void advance(std::int64_t nanoseconds) {
    now_ += nanoseconds;
    monotonic_ += nanoseconds;
  }
  /// Moves the wall clock alone, as a person or NTP does.
  void set_wall(std::int64_t now_ns) { now_ = now_ns; }

 private:
  std::atomic<std::int64_t> now_;
  std::atomic<std::int64_t> monotonic_{0};
};

}  // namespace millpond
