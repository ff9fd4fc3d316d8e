#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <random>

namespace millpond {
namespace {

class SystemRandom final : public RandomSource {
 public:
  std::uint64_t next() override {
    std::uint64_t value = 0;
    for (;;) {
      const ssize_t size = getrandom(&value, sizeof(value), 0);
      if (size == static_cast<ssize_t>(sizeof(value))) return value;
      if (size < 0 && errno != EINTR) break;
    }
    // A kernel that forbids the call (a seccomp filter): the standard library reads the processor or /dev/urandom.
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
  }
};

}  // namespace

RandomSource& system_random() {
  static SystemRandom source;
  return source;
}

std::uint64_t random_seed() { return system_random().next(); }

}  // namespace millpond
