#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include "base/clock.h"
#include "base/edit_distance.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/random.h"
#include "catch.hpp"

namespace millpond {

TEST_CASE("hashes have the published values") {
  CHECK(xxh3_64("") == 0x2d06800538d394c2ULL);
  CHECK(xxh3_64_hex("") == "2d06800538d394c2");
  CHECK(xxh3_128_hex("") == "99aa06d3014798d86001c324468d497f");
  ContentHasher hasher;
  CHECK(hasher.hex() == xxh3_128_hex(""));
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(static_cast<std::size_t>(i * 7), static_cast<char>('a' + i % 26));
    hasher.update(piece);
    all += piece;
    CHECK(hasher.hex() == xxh3_128_hex(all));
  }
}

TEST_CASE("a seed gives the same numbers everywhere") {
  SeededRandom random(42);
  // xoshiro256** with its state from SplitMix64(42), as the reference code by Blackman and Vigna gives it.
  CHECK(random.next() == 0x15780b2e0c2ec716ULL);
  CHECK(random.next() == 0x6104d9866d113a7eULL);
  SeededRandom again(42), other(43);
  CHECK(again.next() == 0x15780b2e0c2ec716ULL);
  CHECK(other.next() != 0x15780b2e0c2ec716ULL);
}

TEST_CASE("numbers stay below their bound and reach all of it") {
  SeededRandom random(1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    seen.insert(random.below(7));
    const double x = random.uniform();
    CHECK((x >= 0.0 && x < 1.0));
  }
  CHECK(seen.size() == 7);
  CHECK(*seen.rbegin() == 6);
  CHECK(random.below(0) == 0);
  CHECK(random.below(1) == 0);
  std::vector<int> items(50), sorted;
  std::iota(items.begin(), items.end(), 0);
  sorted = items;
  random.shuffle(items);
  CHECK(items != sorted);
  std::sort(items.begin(), items.end());
  CHECK(items == sorted);
}

TEST_CASE("names are never given twice") {
  SeededRandom random(7);
  const std::string id = uuid4(random);
  CHECK(id.size() == 36);
  CHECK(id[14] == '4');
  CHECK(std::string("89ab").find(id[19]) != std::string::npos);
  CHECK(uuid4() != uuid4());
  AttemptNames names(random), others(random);
  const std::string first = names.next(), second = names.next();
  CHECK(first < second);
  CHECK(first.substr(0, 8) == "a000001-");
  CHECK(first.substr(8) != others.next().substr(8));
}

TEST_CASE("time stands still until told") {
  ManualClock clock(1000);
  clock.advance(5);
  CHECK(clock.now_ns() == 1005);
  clock.set_wall(3);
  CHECK(clock.now_ns() == 3);
  CHECK(clock.monotonic_ns() == 5);
  const std::int64_t before = system_clock().monotonic_ns();
  CHECK(system_clock().monotonic_ns() >= before);
  CHECK(system_clock().now_ns() > 1'600'000'000'000'000'000LL);
}

TEST_CASE("a near name is found and a far one is not") {
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("tikcer", "ticker") == 1);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("PRICE", "price") == 0);
  CHECK(nearest_name("tiker", {"price", "ticker", "ts"}) == "ticker");
  CHECK(nearest_name("pricee", {"price", "ticker"}) == "price");
  CHECK(nearest_name("x", {"y", "z"}) == std::nullopt);
  CHECK(nearest_name("volume", {"a", "b"}) == std::nullopt);
  CHECK(nearest_name("a", {}) == std::nullopt);
}

}  // namespace millpond
