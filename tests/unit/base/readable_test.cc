#include "base/readable.h"

#include <cstdint>
#include <limits>

#include "catch.hpp"

namespace millpond {

TEST_CASE("counts have commas") {
  CHECK(readable_count(0) == "0");
  CHECK(readable_count(999) == "999");
  CHECK(readable_count(1000) == "1,000");
  CHECK(readable_count(-123456) == "-123,456");
  CHECK(readable_count(std::numeric_limits<std::int64_t>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("bytes have the unit that keeps them short") {
  CHECK(readable_bytes(1) == "1 byte");
  CHECK(readable_bytes(999) == "999 bytes");
  CHECK(readable_bytes(1000) == "1.0 kB");
  CHECK(readable_bytes(9'960'000) == "10 MB");
  CHECK(readable_bytes(999'600) == "1.0 MB");
  CHECK(readable_bytes(3'200'000'000) == "3.2 GB");
}

TEST_CASE("seconds have the digits that count") {
  CHECK(readable_seconds(0.0123) == "0.012 s");
  CHECK(readable_seconds(1.234) == "1.23 s");
  CHECK(readable_seconds(12.34) == "12.3 s");
  CHECK(readable_seconds(1234.5) == "1234 s");
}

}  // namespace millpond
