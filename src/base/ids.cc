#include "base/ids.h"

#include <cstdio>

namespace millpond {

std::string uuid4(RandomSource& random) {
  const std::uint64_t high = (random.next() & 0xffffffffffff0fffULL) | 0x4000ULL;
  const std::uint64_t low = (random.next() & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;
  char text[40];
  std::snprintf(text, sizeof(text), "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(high >> 32),
                static_cast<unsigned>(high >> 16) & 0xffffU, static_cast<unsigned>(high) & 0xffffU,
                static_cast<unsigned>(low >> 48), static_cast<unsigned long long>(low & 0xffffffffffffULL));
  return text;
}

std::string random_name(RandomSource& random) {
  char text[20];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(random.next()));
  return text;
}

std::string AttemptNames::next() {
  char number[24];
  std::snprintf(number, sizeof(number), "a%06llu-", static_cast<unsigned long long>(count_.fetch_add(1) + 1));
  return number + run_;
}

}  // namespace millpond
