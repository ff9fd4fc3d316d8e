#include "base/clock.h"

#include <chrono>

namespace millpond {
namespace {

class SystemClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return nanoseconds(std::chrono::system_clock::now()); }
  std::int64_t monotonic_ns() const override { return nanoseconds(std::chrono::steady_clock::now()); }

 private:
  template <typename TimePoint>
  static std::int64_t nanoseconds(TimePoint time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace millpond
