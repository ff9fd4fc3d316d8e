#include "sql/exchange_fixture.h"

using namespace millpond;

namespace {

constexpr const char* kRows =
    "SELECT i AS id, i % 100 AS k, 'ticker-' || (i % 5000) AS t, i * 0.25 AS p, "
    "CASE WHEN i % 7 = 0 THEN NULL ELSE i * 1000 END AS v, 'x' || i AS s FROM range(300000) r(i)";

}  // namespace

TEST_CASE("an exchange of one partition gives the same rows in the same order") {
  ExchangeDatabase db;
  const OutputFile file = db.write(kRows, "a.mpx");
  CHECK(file.num_rows == 300000);
  REQUIRE(file.segments.size() == 1);
  CHECK(file.segments[0].num_rows == 300000);
  CHECK(file.digest.size() == 32);
  const std::string scan = db.scan("a.mpx", 0);
  CHECK(db.value("SELECT count(*) FROM " + scan) == "300000");
  CHECK(
      db.value("SELECT count(*) FROM (SELECT * FROM " + scan + " POSITIONAL JOIN (" + kRows +
               ") b(id2, k2, t2, p2, v2, s2)) WHERE (id, k, t, p, v, s) IS DISTINCT FROM (id2, k2, t2, p2, v2, s2)") ==
      "0");
}

TEST_CASE("hash placement puts equal keys together, keeps order and loses nothing") {
  ExchangeDatabase db;
  for (const std::int64_t n : {1, 3, 64, 512}) {
    const std::string name = "h" + std::to_string(n) + ".mpx";
    const OutputFile file = db.write(kRows, name, hash_placement({"t", "k"}, n));
    std::int64_t rows = 0;
    for (const auto& segment : file.segments) rows += segment.num_rows;
    CHECK(rows == 300000);
    const std::string all = db.scan_all(name, n);
    CHECK(db.value("SELECT count(*) FROM ((FROM " + all + ") EXCEPT ALL (" + kRows + "))") == "0");
    CHECK(db.value("SELECT count(*) FROM " + all) == "300000");
    const std::string part = db.scan(name, static_cast<int>(n) - 1);
    CHECK(db.value("SELECT count(*) FROM " + part + " WHERE millpond_partition(" + std::to_string(n) + ", t, k) <> " +
                   std::to_string(n - 1)) == "0");
    CHECK(db.value("SELECT count(*) FROM (SELECT id, lag(id) OVER () AS before FROM " + part +
                   ") WHERE before >= id") == "0");
  }
}

TEST_CASE("an expression places rows by their own number and refuses numbers out of range") {
  ExchangeDatabase db;
  Placement placement;
  placement.kind = Placement::Kind::kExpression;
  placement.keys = {"P"};
  placement.count = 10;
  placement.dropped_columns = {"p"};
  const OutputFile file = db.write("SELECT i, i % 10 AS p FROM range(1000) r(i)", "e.mpx", placement);
  CHECK(file.segments.size() == 10);
  CHECK(db.value("SELECT string_agg(i ORDER BY i) FROM " + db.scan("e.mpx", 3) + " WHERE i < 30") == "3,13,23");
  CHECK(db.run("FROM " + db.scan("e.mpx", 3))->ColumnCount() == 1);

  const auto refused = [&](const std::string& value) {
    return db.fail(exchange_copy_sql("SELECT 1 AS i, " + value + " AS p", db.path("bad.mpx"), placement)).message();
  };
  CHECK(refused("10").find("partition key 10 is out of range 0-9") != std::string::npos);
  CHECK(refused("-1").find("partition key -1 is out of range 0-9") != std::string::npos);
  CHECK(refused("NULL::INTEGER").find("partition key NULL is out of range 0-9") != std::string::npos);
  CHECK(refused("18446744073709551616::HUGEINT").find("is out of range 0-9") != std::string::npos);
  CHECK(refused("1.5::DOUBLE").find("a partition number is an integer") != std::string::npos);
  CHECK(refused("'1'").find("a partition number is an integer") != std::string::npos);
}

TEST_CASE("random placement sends the same rows the same way again") {
  ExchangeDatabase db;
  Placement placement;
  placement.kind = Placement::Kind::kRandom;
  placement.count = 8;
  placement.seed = 7;
  const OutputFile first = db.write(kRows, "r1.mpx", placement);
  const OutputFile second = db.write(kRows, "r2.mpx", placement);
  CHECK(first.segments == second.segments);
  CHECK(first.segments.size() == 8);
  for (const auto& segment : first.segments) {
    CHECK(segment.num_rows > 36000);
    CHECK(segment.num_rows < 39000);
  }
  placement.seed = 8;
  CHECK(db.write(kRows, "r3.mpx", placement).segments != first.segments);
  CHECK(db.value("SELECT sum(id) FROM " + db.scan_all("r1.mpx", 8)) == "44999850000");
}

TEST_CASE("row ranges cut segments, and several files follow one another") {
  ExchangeDatabase db;
  const OutputFile a = db.write("SELECT i FROM range(300000) r(i)", "a.mpx");
  const OutputFile b = db.write("SELECT i + 300000 AS i FROM range(10) r(i)", "b.mpx");
  const Schema schema = {{"i", "BIGINT"}};
  std::vector<SegmentSlice> slices = {{db.path("a.mpx"), 0, 300000, 0, a.digest, RowRange{122878, 250001}},
                                      {db.path("b.mpx"), 0, 10, 0, b.digest, std::nullopt}};
  const std::string scan = exchange_scan_sql(slices, schema);
  CHECK(db.value("SELECT count(*) FROM " + scan) == std::to_string(250001 - 122878 + 10));
  CHECK(db.value("SELECT min(i) FROM " + scan) == "122878");
  CHECK(db.value("SELECT max(i) FROM " + scan) == "300009");
  CHECK(db.value("SELECT count(*) FROM (SELECT i, lag(i) OVER () AS before FROM " + scan + ") WHERE before >= i") ==
        "0");
  CHECK(db.value("SELECT count(*) FROM " + exchange_scan_sql({}, schema)) == "0");
  slices[0].rows = RowRange{5, 5};
  CHECK(db.value("SELECT count(*) FROM " + exchange_scan_sql(slices, schema)) == "10");
  slices[0].rows = RowRange{5, 300001};
  CHECK(db.fail("FROM " + exchange_scan_sql(slices, schema)).code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a scan reads what was planned or fails") {
  ExchangeDatabase db;
  const OutputFile file = db.write("SELECT i, 'x' AS \"we\"\"ird ,name\" FROM range(10) r(i)", "a.mpx");
  const Schema schema = {{"i", "BIGINT"}, {"we\"ird ,name", "VARCHAR"}};
  const SegmentSlice slice{db.path("a.mpx"), 0, 10, 0, file.digest, std::nullopt};
  CHECK(db.value("SELECT count(\"we\"\"ird ,name\") FROM " + exchange_scan_sql({slice}, schema)) == "10");

  SegmentSlice other = slice;
  other.index_digest = std::string(32, '0');
  CHECK(db.fail("FROM " + exchange_scan_sql({other}, schema)).code() == StatusCode::kDataCorrupt);
  other = slice;
  other.num_rows = 11;
  CHECK(db.fail("FROM " + exchange_scan_sql({other}, schema)).code() == StatusCode::kDataCorrupt);
  other = slice;
  other.partition = 1;
  CHECK(db.fail("FROM " + exchange_scan_sql({other}, schema)).code() == StatusCode::kInvalidArgument);
  other = slice;
  other.path = db.path("none.mpx");
  const Status missing = db.fail("FROM " + exchange_scan_sql({other}, schema));
  CHECK(missing.code() == StatusCode::kNotFound);
  CHECK(missing.message().find("none.mpx") != std::string::npos);
  CHECK(db.fail("FROM " + exchange_scan_sql({slice}, {{"i", "INTEGER"}})).code() == StatusCode::kDataCorrupt);
  CHECK(db.fail("FROM " + exchange_scan_sql({slice}, {{"j", "BIGINT"}})).code() == StatusCode::kDataCorrupt);
}

TEST_CASE("a second COPY to the same path is refused and the first file stays") {
  ExchangeDatabase db;
  db.write("SELECT 1 AS i", "a.mpx");
  const Status refused = db.fail(exchange_copy_sql("SELECT 2 AS i", db.path("a.mpx"), Placement()));
  CHECK(refused.code() == StatusCode::kAlreadyExists);
  CHECK(db.value("SELECT i FROM " + db.scan("a.mpx", 0)) == "1");
}

TEST_CASE("zero rows make a file with a schema and no segments") {
  ExchangeDatabase db;
  const OutputFile file = db.write("SELECT 1 AS i, 'x' AS s WHERE false", "empty.mpx", hash_placement({"s"}, 4));
  CHECK(file.num_rows == 0);
  CHECK(file.segments.empty());
  CHECK(db.value("SELECT count(*) FROM " + db.scan_all("empty.mpx", 4)) == "0");
}

TEST_CASE("rows without an order are written in parallel, sorted ones in their order") {
  ExchangeDatabase db;
  const OutputFile grouped = db.write("SELECT i % 100000 AS g, count(*) AS n FROM range(400000) r(i) GROUP BY g",
                                      "g.mpx", hash_placement({"g"}, 5));
  CHECK(grouped.num_rows == 100000);
  CHECK(db.value("SELECT sum(n) FROM " + db.scan_all("g.mpx", 5)) == "400000");
  db.write("SELECT i FROM range(300000) r(i) ORDER BY i DESC", "s.mpx");
  CHECK(db.value("SELECT count(*) FROM (SELECT i, lag(i) OVER () AS before FROM " + db.scan("s.mpx", 0) +
                 ") WHERE before <= i") == "0");
}

TEST_CASE("a failed query leaves no exchange file that can be read") {
  ExchangeDatabase db;
  const std::string query =
      "SELECT CASE WHEN i = 250000 THEN error('boom') ELSE i::VARCHAR END AS i FROM range(300000) r(i)";
  CHECK(db.fail(exchange_copy_sql(query, db.path("a.mpx"), Placement())).message().find("boom") != std::string::npos);
  CHECK_FALSE(db.context().take_written(db.path("a.mpx")).is_ok());
  CHECK_FALSE(db.context().open(db.path("a.mpx"), "").is_ok());
}

TEST_CASE("wrong options are told by name") {
  ExchangeDatabase db;
  const auto error = [&](const std::string& options) {
    return db.fail("COPY (SELECT 1 AS i) TO '" + db.path("x.mpx") + "' (FORMAT exchange" + options + ")").message();
  };
  CHECK(error(", placement 'hash', keys ['nope'], partitions 2").find("no column \"nope\"") != std::string::npos);
  CHECK(error(", placement 'hash', partitions 2").find("at least one key") != std::string::npos);
  CHECK(error(", placement 'other'").find("not 'other'") != std::string::npos);
  CHECK(error(", placement 'random', partitions 0").find("0 partitions") != std::string::npos);
  CHECK(error(", colour 'red'").find("no option colour") != std::string::npos);
}

TEST_CASE("a scan may stand in any query, more than once, and its plan can be exported as SQL") {
  ExchangeDatabase db;
  const OutputFile file = db.write("SELECT i, i % 3 AS k FROM range(9000) r(i)", "a.mpx", hash_placement({"k"}, 2));
  std::vector<SegmentSlice> slices;
  for (const auto& segment : file.segments) {
    slices.push_back({db.path("a.mpx"), segment.partition, segment.num_rows, 0, file.digest, std::nullopt});
  }
  const std::string scan = exchange_scan_sql(slices, {{"i", "BIGINT"}, {"k", "BIGINT"}});
  for (const char* kind : {"", "MATERIALIZED", "NOT MATERIALIZED"}) {
    const std::string with = "WITH a AS " + std::string(kind) + " (FROM " + scan + ") ";
    CHECK(db.value(with + "SELECT count(*) FROM a x JOIN a y ON x.i = y.i + 1 WHERE x.k = 1") == "3000");
    CHECK(db.value(with + "SELECT count(*) FROM (FROM a UNION ALL FROM a) WHERE i < 10") == "20");
    CHECK(db.value(with + "SELECT sum(i) FROM a WHERE i IN (SELECT max(i) FROM a GROUP BY k)") == "26994");
  }
  CHECK(db.value("SELECT i FROM " + scan + " ORDER BY i DESC LIMIT 1 OFFSET 2") == "8997");
  CHECK(db.value("SELECT count(DISTINCT rn) FROM (SELECT row_number() OVER () AS rn FROM " + scan + ")") == "9000");

  const std::string query = "SELECT k, sum(i) AS s FROM " + scan + " WHERE i > 10 GROUP BY k";
  const std::string exported = db.run("EXPLAIN (SQL) " + query)->Fetch()->GetValue(1, 0).ToString();
  CHECK(exported.find("millpond_exchange") != std::string::npos);
  CHECK(db.value("SELECT count(*) FROM ((" + exported + ") EXCEPT ALL (" + query + "))") == "0");
  CHECK(db.value("SELECT count(*) FROM (" + exported + ")") == "3");
}
