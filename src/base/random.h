#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace millpond {

/// One step of SplitMix64: spreads the bits of a counter or seed. The same on every machine.
constexpr std::uint64_t splitmix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// Where random numbers come from; an interface so that a run can be replayed. Not for secrets.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  /// 64 random bits.
  virtual std::uint64_t next() = 0;

  /// A number in [0, bound) without bias; 0 for a bound of 0.
  std::uint64_t below(std::uint64_t bound) {
    if (bound == 0) return 0;
    const std::uint64_t rest = (0 - bound) % bound;  // 2^64 mod bound: draws below it would favour small numbers.
    for (;;) {
      const std::uint64_t value = next();
      if (value >= rest) return value % bound;
    }
  }

  /// A number in [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// Fisher-Yates. Unlike std::shuffle the order depends on nothing but the numbers drawn.
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }
};

/// xoshiro256** started by SplitMix64: the same seed gives the same numbers on every machine. Not thread-safe.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      word = splitmix64(seed);
      seed += 0x9e3779b97f4a7c15ULL;
    }
  }

  std::uint64_t next() override {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

 private:
  static constexpr std::uint64_t rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::uint64_t state_[4];
};

/// A seed from the operating system.
std::uint64_t random_seed();

/// This process's source of numbers that nobody can guess, straight from the operating system. Thread-safe; used for
/// names that must not meet another process's.
RandomSource& system_random();

}  // namespace millpond
