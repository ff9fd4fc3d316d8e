#include "base/readable.h"

#include <array>
#include <cstddef>
#include <cstdio>

namespace millpond {
namespace {

std::string decimal(double number, int digits) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.*f", digits, number);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

std::string readable_count(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string readable_bytes(std::int64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
  auto amount = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* next : {"kB", "MB", "GB", "TB", "PB"}) {
    if (amount < 999.5) break;
    amount /= 1000;
    unit = next;
  }
  return decimal(amount, amount < 9.95 ? 1 : 0) + " " + unit;
}

std::string readable_seconds(double seconds) {
  return decimal(seconds, seconds < 1 ? 3 : seconds < 9.995 ? 2 : seconds < 99.95 ? 1 : 0) + " s";
}

std::string readable_ratio(double ratio) { return decimal(ratio, ratio < 9.95 ? 1 : 0); }

}  // namespace millpond
