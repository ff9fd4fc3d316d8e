#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/random.h"

namespace millpond {

/// A random UUID (version 4), "6f1c0a52-7c7e-4bb0-9d0a-3f1f0a1b2c3d".
std::string uuid4(RandomSource& random = system_random());

/// 16 random hex digits: short enough for a file name, never met twice.
std::string random_name(RandomSource& random = system_random());

/// Gives each attempt of each task a name of its own that sorts in the order it was given: "a000017-6f1c0a527c7e4bb0".
/// The random half keeps the names of a resumed job apart from those of its dead driver. Thread-safe.
class AttemptNames {
 public:
  explicit AttemptNames(RandomSource& random = system_random()) : run_(random_name(random)) {}
  std::string next();

 private:
  const std::string run_;
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace millpond
