#include <string>

#include "sql/bloom_filter.h"
#include "sql/exchange_fixture.h"

namespace millpond {

TEST_CASE("a Bloom filter holds what was added, and little else") {
  ExchangeDatabase db;
  const std::string blocks = std::to_string(bloom::blocks_for(100'000));
  const std::string filter = "(SELECT millpond_bloom_open(millpond_bloom(millpond_hash(range), " + blocks + ")) FROM range(100000))";
  const auto found = [&](const std::string& from, const std::string& to) {
    return std::stol(db.value("SELECT count(*) FROM range(" + from + ", " + to + ") WHERE millpond_bloom_contains(" + filter +
                              ", millpond_hash(range))"));
  };
  CHECK(found("0", "100000") == 100'000);
  CHECK(found("100000", "200000") < 2'000);
}

TEST_CASE("filters of parts are the filter of all, in any order") {
  ExchangeDatabase db;
  const std::string each = "(SELECT range % 7 AS part, millpond_bloom(millpond_hash(range), 900) AS f FROM range(20000) GROUP BY ALL)";
  const std::string all = "SELECT md5(millpond_bloom(millpond_hash(range), 900)) FROM range(20000)";
  CHECK(db.value("SELECT md5(millpond_bloom_merge(f)) FROM " + each) == db.value(all));
  CHECK(db.value("SELECT md5(millpond_bloom_merge(f)) FROM (FROM " + each + " ORDER BY part DESC)") == db.value(all));
  // A partition's rows need no more room than their part of the blocks.
  CHECK(db.value("SELECT max(octet_length(f)) < 120 * 32 FROM (SELECT millpond_bloom(millpond_hash(range), 900) AS f FROM range(20000) "
                 "GROUP BY millpond_partition(9, range))") == "true");
}

TEST_CASE("nothing is in no filter") {
  ExchangeDatabase db;
  CHECK(db.value("SELECT millpond_bloom(NULL::UBIGINT, 10) IS NULL") == "true");
  CHECK(db.value("SELECT millpond_bloom_merge(NULL::BLOB) IS NULL") == "true");
  CHECK(db.value("SELECT millpond_bloom_contains(millpond_bloom_open(NULL), 7::UBIGINT)") == "false");
  CHECK(db.value("SELECT millpond_bloom_contains(millpond_bloom_open(millpond_bloom(7::UBIGINT, 10)), NULL::UBIGINT)") == "false");
  CHECK(db.value("SELECT millpond_bloom_contains(millpond_bloom_open(millpond_bloom(7::UBIGINT, 10)), 7::UBIGINT)") == "true");
}

TEST_CASE("a query's filters have numbers of their own") {
  ExchangeDatabase db;
  const std::string filters = "(SELECT millpond_bloom_open(f) AS n, part FROM (SELECT range % 3 AS part, "
                              "millpond_bloom(millpond_hash(range), 90) AS f FROM range(3000) GROUP BY ALL))";
  for (int again = 0; again < 2; ++again) {
    CHECK(db.value("SELECT count(DISTINCT n) || ' ' || max(n) FROM " + filters) == "3 2");
    CHECK(db.value("SELECT bool_and(millpond_bloom_contains(n, millpond_hash(range))) FROM range(3000) JOIN " + filters +
                   " ON part = range % 3") == "true");
  }
}

TEST_CASE("what is no filter is refused") {
  for (const std::string query : {"SELECT millpond_bloom(7::UBIGINT, 0)", "SELECT millpond_bloom(7::UBIGINT, 10000000000)",
                                  "SELECT millpond_bloom_merge('abc'::BLOB)", "SELECT millpond_bloom_open('abc'::BLOB)",
                                  "SELECT millpond_bloom_contains(0::UBIGINT, 7::UBIGINT)",
                                  "SELECT millpond_bloom_merge(f) FROM (SELECT millpond_bloom(7::UBIGINT, range + 1) AS f FROM range(2) GROUP BY range)"}) {
    ExchangeDatabase db;
    INFO(query);
    CHECK_FALSE(db.try_run(query).is_ok());
  }
}

TEST_CASE("a filter's size follows from what it holds") {
  CHECK(bloom::blocks_for(0) == 1);
  CHECK(bloom::blocks_for(1'000'000) == 46'875);
  CHECK(bloom::blocks_for(UINT64_MAX) == bloom::kMaxBlocks);
}

}  // namespace millpond
