#pragma once

#include <cstdint>
#include <string>

namespace millpond {

/// Numbers as people read them.

/// "1,234,567".
std::string readable_count(std::int64_t number);

/// "17 bytes", "3.2 MB": powers of ten.
std::string readable_bytes(std::int64_t bytes);

/// "0.004 s", "1.32 s", "125 s": three digits that count.
std::string readable_seconds(double seconds);

/// "1.3": for a ratio.
std::string readable_ratio(double ratio);

}  // namespace millpond
