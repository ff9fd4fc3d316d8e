#include <string>
#include <vector>

#include "duckdb/common/serializer/binary_serializer.hpp"
#include "duckdb/common/serializer/memory_stream.hpp"
#include "sql/exchange_fixture.h"

using namespace millpond;

namespace {

// The values' bytes as DuckDB stores them, one after the other: −0.0 and 0.0, or two NaN, differ.
std::string bits(ExchangeDatabase& db, const std::string& sql) {
  duckdb::MemoryStream stream;
  duckdb::SerializationOptions options;
  options.storage_compatibility = duckdb::StorageCompatibility::Latest();
  auto result = db.run(sql);
  while (auto chunk = result->Fetch()) {
    for (duckdb::idx_t row = 0; row < chunk->size(); ++row) {
      for (duckdb::idx_t column = 0; column < chunk->ColumnCount(); ++column) {
        duckdb::BinarySerializer::Serialize(chunk->GetValue(column, row), stream, options);
      }
    }
  }
  return {reinterpret_cast<const char*>(stream.GetData()), stream.GetPosition()};
}

// Sends a query's rows through one partition and through three, and compares value by value and type by type.
void check_round_trip(ExchangeDatabase& db, const std::string& query) {
  static int number = 0;
  INFO(query);
  const std::string one = "one" + std::to_string(++number) + ".mpx";
  db.write(query, one);
  CHECK(db.run("FROM " + db.scan(one, 0))->GetTypes() == db.run(query)->GetTypes());
  const auto expected = bits(db, query);
  CHECK((expected == bits(db, "FROM " + db.scan(one, 0))));

  const std::string three = "three" + std::to_string(number) + ".mpx";
  Placement placement;
  placement.kind = Placement::Kind::kExpression;
  placement.keys = {"partition number"};
  placement.dropped_columns = placement.keys;
  placement.count = 3;
  const std::string numbered =
      "SELECT *, (row_number() OVER () % 3)::TINYINT AS \"partition number\" FROM (" + query + ")";
  db.write(numbered, three, placement);
  for (int p = 0; p < 3; ++p) {
    const std::string part = "SELECT * EXCLUDE \"partition number\" FROM (" + numbered +
                             ") WHERE \"partition number\" = " + std::to_string(p);
    CHECK((bits(db, part) == bits(db, "FROM " + db.scan(three, p))));
  }
}

// 5,000 rows that repeat the values in an order that isn't periodic in 2,048.
std::string repeated(const std::string& type, const std::string& values) {
  return "WITH v(n, v) AS (SELECT (row_number() OVER ()) - 1, v FROM (SELECT unnest([" + values +
         "]) AS v)) "
         "SELECT v::" +
         type + " AS v FROM range(5000) r(i) JOIN v ON v.n = (i * i + i // 7) % (SELECT count(*) FROM v) ORDER BY i";
}

}  // namespace

TEST_CASE("each type of test_all_types comes back to the bit") {
  ExchangeDatabase db(1);
  auto described = db.run("DESCRIBE FROM test_all_types()");
  std::vector<std::string> names;
  while (auto chunk = described->Fetch()) {
    for (duckdb::idx_t row = 0; row < chunk->size(); ++row) names.push_back(chunk->GetValue(0, row).ToString());
  }
  CHECK(names.size() > 50);
  for (const std::string& name : names) {
    check_round_trip(db, "SELECT \"" + name + "\" AS v FROM test_all_types()");
    check_round_trip(db, "SELECT \"" + name + "\" AS v FROM test_all_types(), range(1500) r(i) ORDER BY hash(i)");
  }
  check_round_trip(db, "FROM test_all_types()");
}

TEST_CASE("floating-point values keep their bits") {
  ExchangeDatabase db(1);
  for (const char* type : {"FLOAT", "DOUBLE"}) {
    check_round_trip(db, repeated(type,
                                  "0.0::DOUBLE, -0.0::DOUBLE, 'nan'::DOUBLE, -('nan'::DOUBLE), 'inf'::DOUBLE, "
                                  "'-inf'::DOUBLE, NULL, 1e-45, 5e-324, 1.5"));
  }
}

TEST_CASE("integers of small and of full range come back") {
  ExchangeDatabase db(1);
  for (const char* type : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
                           "UBIGINT", "UHUGEINT"}) {
    const std::string text = type;
    const std::string low = text[0] == 'U' ? "0" : "-32768";
    check_round_trip(db, repeated(type, "1, 2, 3, NULL, 100"));
    check_round_trip(db, repeated(type, "7"));
    check_round_trip(db, repeated(type, "NULL"));
    if (text.find("TINY") == std::string::npos)
      check_round_trip(db, repeated(type, low + "::HUGEINT, 255, NULL, 12345"));
  }
  check_round_trip(db, repeated("BIGINT", "-9223372036854775808, 9223372036854775807, 0, NULL"));
  check_round_trip(db, repeated("BIGINT", "9223372036854775807, 9223372036854775806, NULL"));
  check_round_trip(db, repeated("BIGINT", "-9223372036854775808, -9223372036854775700"));
  check_round_trip(db, repeated("UBIGINT", "18446744073709551615::UHUGEINT, 0, NULL"));
  check_round_trip(db, repeated("UBIGINT", "18446744073709551615::UHUGEINT, 18446744073709551000"));
  check_round_trip(db, repeated("INTEGER", "-2147483648, 2147483647"));
  check_round_trip(db, repeated("HUGEINT",
                                "'-170141183460469231731687303715884105728'::HUGEINT, "
                                "'170141183460469231731687303715884105727', 36028797018963978, NULL"));
}

TEST_CASE("strings and blobs of any length come back") {
  ExchangeDatabase db(1);
  check_round_trip(
      db, repeated("VARCHAR", "'', NULL, 'a', '123456789012', '1234567890123', repeat('é', 200), repeat('x', 70000)"));
  check_round_trip(db, repeated("VARCHAR", "'abc', 'def'"));
  check_round_trip(db, repeated("VARCHAR", "'' "));
  check_round_trip(db, repeated("VARCHAR", "NULL::VARCHAR"));
  check_round_trip(db, repeated("VARCHAR", "'a' || chr(0) || 'b', chr(0), NULL, '\U0001F986'"));
  check_round_trip(db, repeated("BLOB", "'\\x00\\xFF'::BLOB, ''::BLOB, NULL"));
  check_round_trip(db, repeated("BIT", "'1'::BIT, '0101010101010101'::BIT, NULL"));
  check_round_trip(db, repeated("BIGNUM",
                                "'123456789012345678901234567890123456789012345678901234567890'::BIGNUM, "
                                "'-1'::BIGNUM, NULL"));
}

TEST_CASE("nested types come back with NULLs at every level") {
  ExchangeDatabase db(1);
  check_round_trip(db, repeated("INTEGER[]", "[1, NULL, 3], [], NULL, [NULL]"));
  check_round_trip(db, repeated("VARCHAR[][]", "[['a'], NULL, [], ['a long string of some length', NULL]], [], NULL"));
  check_round_trip(db, repeated("STRUCT(a INTEGER, b STRUCT(c VARCHAR, d DOUBLE[]))",
                                "{'a': 1, 'b': {'c': 'x', 'd': [-0.0, NULL]}}, {'a': NULL, 'b': NULL}, NULL, "
                                "{'a': 2, 'b': {'c': NULL, 'd': NULL}}"));
  check_round_trip(db, repeated("MAP(VARCHAR, INTEGER[])", "map {'a': [1], 'b': NULL}, map {}, NULL"));
  check_round_trip(db, repeated("INTEGER[3]", "[1, 2, 3], [NULL, 2, NULL], NULL"));
  check_round_trip(db, repeated("VARCHAR[2][]", "[['a', 'b'], NULL], [], NULL"));
  check_round_trip(db, repeated("STRUCT(v VARCHAR[2])[2]", "[{'v': ['a', NULL]}, NULL], NULL"));
  check_round_trip(db, repeated("UNION(num INTEGER, str VARCHAR)",
                                "union_value(num := 1)::UNION(num INTEGER, str VARCHAR), "
                                "union_value(str := 'two'), NULL"));
  check_round_trip(db, repeated("ENUM('a', 'b', 'ü')", "'a', 'ü', NULL"));
  check_round_trip(db, repeated("ENUM('a', 'b')[]", "['a', 'b'], [NULL], NULL"));
  check_round_trip(db, repeated("VARIANT",
                                "1::VARIANT, 'text'::VARIANT, [1, 2]::VARIANT, {'a': 1, 'b': [NULL]}::VARIANT, NULL, "
                                "1.5::DOUBLE::VARIANT, DATE '2020-01-01'::VARIANT"));
  check_round_trip(db, repeated("GEOMETRY", "'POINT(1 2)'::GEOMETRY, 'LINESTRING(0 0, 1 1)', NULL, 'POINT EMPTY'"));
}

TEST_CASE("dates and times come back with infinities") {
  ExchangeDatabase db(1);
  for (const char* type : {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ", "DATE"}) {
    check_round_trip(db, repeated(type, "'infinity', '-infinity', '1970-01-01', '1969-12-31', NULL, '2024-02-29'"));
  }
  check_round_trip(db, repeated("TIME", "'00:00:00', '24:00:00', NULL"));
  check_round_trip(db, repeated("TIME_NS", "'00:00:00.000000001', '23:59:59', NULL"));
  check_round_trip(db, repeated("TIMETZ", "'00:00:00+15:59:59', '24:00:00-15:59:59', NULL"));
  check_round_trip(db, repeated("INTERVAL", "INTERVAL 1 MONTH, INTERVAL 30 DAY, INTERVAL '-1 us', NULL"));
  check_round_trip(
      db, repeated("UUID", "'00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', NULL"));
  check_round_trip(db, repeated("BOOLEAN", "true, false, NULL"));
  check_round_trip(db, repeated("BOOLEAN", "true"));
  check_round_trip(db, repeated("DECIMAL(38, 10)", "1.5, -99999999999999999999.5, NULL"));
}

TEST_CASE("aggregate states travel and are finished elsewhere") {
  ExchangeDatabase db(1);
  for (const char* aggregate :
       {"sum(i::DOUBLE)", "avg(i)", "count(i)", "min(s)", "stddev(i)", "approx_count_distinct(i)", "sum(i::HUGEINT)",
        "quantile_cont(i, 0.5)", "arg_min(s, i)"}) {
    INFO(aggregate);
    const std::string states = "SELECT i % 10 AS g, " + std::string(aggregate) +
                               " EXPORT_STATE AS v "
                               "FROM (SELECT i, 's' || i AS s FROM range(10000) r(i)) GROUP BY g";
    db.write(states, std::string(aggregate) + ".mpx", hash_placement({"g"}, 3));
    const std::string all = db.scan_all(std::string(aggregate) + ".mpx", 3);
    CHECK(db.value("SELECT count(*) FROM (SELECT g, finalize(v) FROM " + all +
                   " EXCEPT ALL SELECT g, finalize(v) FROM (" + states + "))") == "0");
  }
}
