#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "sql/exchange_fixture.h"
#include "sql/partition_hash.h"

using namespace millpond;

namespace {

std::string hash_of(ExchangeDatabase& db, const std::string& keys) {
  return db.value("SELECT millpond_hash(" + keys + ")");
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == '\t') {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

}  // namespace

TEST_CASE("the hash gives the golden vectors") {
  ExchangeDatabase db;
  std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "partition_hash_vectors.tsv");
  REQUIRE(file.good());
  std::string line;
  int vectors = 0;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> cells = split(line);
    REQUIRE(cells.size() == 4);
    INFO(line);
    CHECK(db.value("SELECT printf('%016x', millpond_hash(" + cells[0] + "))") == cells[1]);
    CHECK(db.value("SELECT millpond_partition(10, " + cells[0] + ")") == cells[2]);
    CHECK(db.value("SELECT millpond_partition(1000, " + cells[0] + ")") == cells[3]);
    ++vectors;
  }
  CHECK(vectors > 60);
}

TEST_CASE("values that DuckDB holds equal have one hash, whatever their type's width") {
  ExchangeDatabase db;
  const std::vector<std::vector<std::string>> classes = {
      {"5::TINYINT", "5::SMALLINT", "5::INTEGER", "5::BIGINT", "5::HUGEINT", "5::UTINYINT", "5::USMALLINT",
       "5::UINTEGER", "5::UBIGINT", "5::UHUGEINT", "5::DECIMAL(4, 2)", "5.000::DECIMAL(38, 3)"},
      {"true", "1"},
      {"18446744073709551615::UBIGINT", "18446744073709551615::HUGEINT", "18446744073709551615::UHUGEINT"},
      {"1.5::DECIMAL(4, 1)", "1.50::DECIMAL(18, 2)", "1.500::DECIMAL(30, 3)"},
      {"0.0::FLOAT", "-0.0::FLOAT", "0.0::DOUBLE", "-0.0::DOUBLE"},
      {"'nan'::FLOAT", "'nan'::DOUBLE", "-('nan'::DOUBLE)"},
      {"0.5::FLOAT", "0.5::DOUBLE"},
      {"DATE '2024-02-29'", "TIMESTAMP '2024-02-29'", "'2024-02-29'::TIMESTAMP_S", "'2024-02-29'::TIMESTAMP_MS",
       "'2024-02-29'::TIMESTAMP_NS", "'2024-02-29 00:00:00+00'::TIMESTAMPTZ"},
      {"'infinity'::DATE", "'infinity'::TIMESTAMP", "'infinity'::TIMESTAMP_S", "'infinity'::TIMESTAMP_NS"},
      {"INTERVAL 1 MONTH", "INTERVAL 30 DAY", "INTERVAL 720 HOUR"},
      {"'a'", "'a'::ENUM('b', 'a')", "'a'::ENUM('a')"},
      {"[1, 2]::INTEGER[]", "[1, 2]::BIGINT[2]", "[1, 2]::DECIMAL(4, 1)[]"},
      {"{'a': 1, 'b': NULL}", "{'a': 1::BIGINT, 'b': NULL::VARCHAR}"},
      {"NULL::INTEGER", "NULL::VARCHAR", "NULL", "NULL::INTEGER[]"},
  };
  std::map<std::string, std::string> owner;
  for (const auto& equal : classes) {
    const std::string first = hash_of(db, equal[0]);
    CHECK(owner.emplace(first, equal[0]).second);
    for (const std::string& value : equal) {
      INFO(value);
      CHECK(hash_of(db, value) == first);
    }
  }
}

TEST_CASE("different values differ, also by position and nesting") {
  ExchangeDatabase db;
  std::map<std::string, std::string> seen;
  for (const char* keys : {"0",
                           "1",
                           "-1",
                           "NULL",
                           "''",
                           "'0'",
                           "0.5::DOUBLE",
                           "1, 2",
                           "2, 1",
                           "NULL, 1",
                           "[1, 2]",
                           "[2, 1]",
                           "[NULL]",
                           "[[1], [2]]",
                           "[[1, 2]]",
                           "[[1, 2], []]",
                           "'ab', 'c'",
                           "'a', 'bc'",
                           "map {'a': 1}",
                           "1::HUGEINT << 64",
                           "TIMESTAMP_NS '1970-01-01 00:00:00.000000001'",
                           "0.1::DECIMAL(2, 1)",
                           "0.01::DECIMAL(3, 2)"}) {
    const std::string hash = hash_of(db, keys);
    INFO(keys << " and " << seen[hash]);
    CHECK(seen[hash].empty());
    seen[hash] = keys;
  }
}

TEST_CASE("the hash does not depend on vectors, settings or time zone") {
  ExchangeDatabase db;
  const std::string query =
      "SELECT sum(millpond_hash(s, d)::HUGEINT) FROM (SELECT 's' || i % 7 AS s, DATE '2020-01-01' + (i % 11)::INTEGER "
      "AS d "
      "FROM range(5000) r(i))";
  const std::string before = db.value(query);
  db.run("SET threads = 1");
  CHECK(db.value(query) == before);
  // As a dictionary, a constant and one by one.
  CHECK(db.value("SELECT count(*) FROM range(3000) r(i) WHERE millpond_hash('s' || i % 3, 7) <> "
                 "list_transform([i], lambda x: millpond_hash('s' || x % 3, 7))[1]") == "0");
  CHECK(db.value("SELECT count(DISTINCT millpond_hash({'a': i % 3, 'b': [i % 2]})) FROM range(5000) r(i)") == "6");
}

TEST_CASE("partitions are evenly filled") {
  ExchangeDatabase db;
  for (const char* key :
       {"i", "i * 1024", "'key-' || i", "i::DOUBLE", "DATE '1970-01-01' + i::INTEGER", "{'a': i}", "[i, 0]"}) {
    INFO(key);
    const std::string counts =
        "(SELECT count(*) AS n FROM range(100000) r(i) GROUP BY millpond_partition(64, " + std::string(key) + "))";
    CHECK(db.value("SELECT count(*) FROM " + counts) == "64");
    CHECK(db.value("SELECT max(n) < 1800 AND min(n) > 1330 FROM " + counts) == "true");
  }
}

TEST_CASE("what has no defined hash is refused by type") {
  ExchangeDatabase db;
  for (const char* key : {"1::VARIANT", "[1::VARIANT]", "{'a': 1::VARIANT}"}) {
    INFO(key);
    const Status status = db.fail("SELECT millpond_hash(" + std::string(key) + ")");
    CHECK(status.code() == StatusCode::kInvalidArgument);
    CHECK(status.message().find("VARIANT") != std::string::npos);
  }
  CHECK(db.fail("SELECT millpond_partition(0, 1)").message().find("got 0") != std::string::npos);
  CHECK(db.fail("SELECT millpond_partition(NULL, 1)").message().find("got NULL") != std::string::npos);
}
