#include "base/page_buffer.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

#include "catch.hpp"

namespace millpond {
namespace {

TEST_CASE("a buffer grows, keeps its pages when less is asked for, and can be moved") {
  PageBuffer buffer;
  CHECK(buffer.bytes().empty());
  CHECK(buffer.resize(0) == nullptr);
  std::byte* const large = buffer.resize(1'000'000);
  std::fill_n(large, 1'000'000, std::byte{7});
  CHECK(buffer.resize(10) == large);
  CHECK(buffer.bytes().size() == 10);
  CHECK(buffer.bytes()[9] == std::byte{7});
  CHECK(buffer.resize(1'000'001) == large);
  PageBuffer moved = std::move(buffer);
  CHECK(moved.bytes().data() == large);
  PageBuffer other;
  other.resize(5);
  other = std::move(moved);
  CHECK(other.bytes().size() == 1'000'001);
  CHECK(other.resize(10'000'000) != nullptr);
}

TEST_CASE("memory that is not there is told as such") {
  PageBuffer buffer;
  buffer.resize(5);
  CHECK_THROWS_AS(buffer.resize(SIZE_MAX / 2), std::bad_alloc);
  CHECK(buffer.bytes().empty());
}

}  // namespace
}  // namespace millpond
