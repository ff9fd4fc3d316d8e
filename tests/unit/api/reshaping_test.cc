#include "api/session_fixture.h"
#include "catch.hpp"
#include "millpond/dataframe.h"

namespace millpond {
namespace {

/// Numbers 0 to 99 in seven partitions, with `k = i % 5`, and `n`, which is NULL for every third.
DataFrame rows_of(SessionFixture& fixture) {
  RepartitionOptions rows;
  rows.by_rows = true;
  return fixture.value(fixture.value(fixture.numbers(100).repartition(7, rows)).map("i, i % 5 AS k, nullif(i % 3, 0) AS n"));
}

/// The one number that an expression over a frame's rows gives.
std::int64_t one(SessionFixture& fixture, const DataFrame& frame, const std::string& expression) {
  return fixture.integers(fixture.value(frame.aggregate({"(" + expression + ")::BIGINT AS i"}))).at(0);
}

std::string columns_of(SessionFixture& fixture, const DataFrame& frame) {
  std::string names;
  for (const Column& column : fixture.value(frame.resolve_schema())) names += (names.empty() ? "" : " ") + column.name;
  return names;
}

}  // namespace

TEST_CASE("the nearest row of another frame") {
  SessionFixture fixture;
  const DataFrame left = rows_of(fixture);
  const DataFrame right = fixture.value(fixture.value(rows_of(fixture).filter("i % 10 = 3")).map("i, i AS found, k, 1 AS key"));
  AsofJoinOptions options;
  options.left_on = options.right_on = "i";
  const DataFrame back = fixture.value(left.join_asof(right, options));
  CHECK(columns_of(fixture, back) == "i k n i_right found k_right key");
  CHECK(one(fixture, back, "count(*)") == 100);
  CHECK(one(fixture, back, "count(*) FILTER (WHERE found IS NULL)") == 3);
  CHECK(one(fixture, back, "max(i - found)") == 9);
  options.strategy = "forward";
  options.allow_exact_matches = false;
  CHECK(one(fixture, fixture.value(left.join_asof(right, options)), "min(found - i)") == 1);
  options.by = {"K"};
  const DataFrame by = fixture.value(left.join_asof(right, options));
  CHECK(columns_of(fixture, by) == "i k n i_right found key");
  CHECK(one(fixture, by, "count(found)") == 18);
  options.strategy = "nearest";
  CHECK(left.join_asof(right, options).status().message() == "strategy = \"nearest\" is not known");
  CHECK(left.join_asof(right, {}).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("windows see all rows") {
  SessionFixture fixture;
  const DataFrame frame = fixture.value(rows_of(fixture).with_window({{"N", "count(*) OVER (PARTITION BY k)"}, {"r", "row_number() OVER (ORDER BY i)"}}));
  CHECK(columns_of(fixture, frame) == "i k n r");
  CHECK(one(fixture, frame, "count(*) FILTER (WHERE n = 20 AND r = i + 1)") == 100);
  CHECK(rows_of(fixture).with_window({}).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("values become columns, and columns rows") {
  SessionFixture fixture;
  const DataFrame rows = rows_of(fixture);
  const DataFrame wide = fixture.value(rows.pivot({"n", "i", "count", {"k"}, {{"one", "1"}, {"none", "NULL"}}}));
  CHECK(columns_of(fixture, wide) == "k one none");
  CHECK(one(fixture, wide, "sum(one) * 1000 + sum(none)") == 33 * 1000 + 34);
  CHECK(one(fixture, fixture.value(rows.pivot({"k", "i", "sum", {}, {{"0", "0"}}})), "sum(\"0\")") == 950);
  CHECK(rows.pivot({"k", "i", "sum", {}, {{"a", "0"}, {"A", "1"}}}).status().message() == "pivot gives two columns \"A\"");
  CHECK(rows.pivot({}).status().code() == StatusCode::kInvalidArgument);
  const DataFrame longer = fixture.value(rows.unpivot({{"k", "n"}, {}, "variable", "value"}));
  CHECK(columns_of(fixture, longer) == "i variable value");
  CHECK(longer.num_partitions() == 7);
  CHECK(one(fixture, longer, "count(*) * 1000 + count(value)") == 200 * 1000 + 166);
  CHECK(rows.unpivot({{"k"}, {"K"}, "variable", "value"}).status().message() == "unpivot gives two columns \"k\"");
  CHECK(rows.unpivot({{"k"}, {}, "i", "value"}).status().code() == StatusCode::kInvalidArgument);
  CHECK(rows.unpivot({{"x"}, {}, "a", "b"}).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("lists become rows, structs columns") {
  SessionFixture fixture;
  const DataFrame rows = fixture.value(rows_of(fixture).map("i, range(k) AS l, {'a': i, 'b': k} AS s, [i, i]::BIGINT[2] AS f"));
  CHECK(one(fixture, fixture.value(rows.unnest({"L"})), "count(*)") == 200);
  CHECK(columns_of(fixture, fixture.value(rows.unnest({"s"}))) == "i l a b f");
  CHECK(one(fixture, fixture.value(rows.unnest({"f"})), "sum(f)") == 2 * 4950);
  CHECK(rows.unnest({"i"}).status().message() == "unnest takes lists and structs, and the column \"i\" is BIGINT");
  CHECK(one(fixture, fixture.value(rows.explode({"L"})), "count(*) * 1000 + count(l)") == 220 * 1000 + 200);
  CHECK(columns_of(fixture, fixture.value(rows.explode({"f", "l"}))) == "i l s f");
  CHECK(one(fixture, fixture.value(rows.explode({"f"})), "sum(f)") == 2 * 4950);
  CHECK(rows.explode({"s"}).status().message().starts_with("explode takes lists, and the column \"s\" is STRUCT"));
  CHECK(rows.explode({}).status().message() == "explode was given no column");
}

TEST_CASE("some rows by chance, the same again") {
  SessionFixture fixture;
  const DataFrame rows = fixture.value(rows_of(fixture).map("i, k AS number"));
  const DataFrame ten = fixture.value(rows.sample({10, -1, 1}));
  CHECK(columns_of(fixture, ten) == "i number");
  CHECK(one(fixture, ten, "count(DISTINCT i)") == 10);
  CHECK(one(fixture, ten, "sum(i * i)") == one(fixture, fixture.value(rows.sample({10, -1, 1})), "sum(i * i)"));
  CHECK(one(fixture, ten, "sum(i * i)") != one(fixture, fixture.value(rows.sample({10, -1, 2})), "sum(i * i)"));
  CHECK(one(fixture, fixture.value(rows.sample({-1, 0, 1})), "count(*)") == 0);
  CHECK(one(fixture, fixture.value(rows.sample({-1, 1, 1})), "count(*)") == 100);
  const std::int64_t half = one(fixture, fixture.value(rows.sample({-1, 0.5, 1})), "count(*)");
  CHECK((half > 25 && half < 75));
  CHECK(rows.sample({}).status().code() == StatusCode::kInvalidArgument);
  CHECK(rows.sample({3, 0.5, 0}).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("what a frame's columns hold, and NULLs replaced") {
  SessionFixture fixture;
  const DataFrame rows = rows_of(fixture);
  CHECK(one(fixture, fixture.value(rows.summarize()), "count(*)") == 3);
  CHECK(one(fixture, fixture.value(rows.describe()), "max(max::BIGINT)") == 99);
  const DataFrame counts = fixture.value(rows.value_counts("n", "times"));
  CHECK(fixture.integers(fixture.value(counts.select({"times AS i"}))) == std::vector<std::int64_t>{34, 33, 33});
  CHECK(columns_of(fixture, fixture.value(rows.value_counts("i > 5 AS more"))) == "more count");
  CHECK(rows.value_counts("n", "N").status().message() == "value_counts gives two columns \"N\"");
  const DataFrame filled = fixture.value(rows.fill_null({{"N", "-k"}}));
  CHECK(columns_of(fixture, filled) == "i k n");
  CHECK(one(fixture, filled, "count(*) FILTER (WHERE n = -k)") == 34);
  CHECK(rows.fill_null({{"x", "0"}}).status().code() == StatusCode::kInvalidArgument);
  CHECK(one(fixture, fixture.value(rows.drop_nulls()), "count(*)") == 66);
  CHECK(one(fixture, fixture.value(rows.drop_nulls({"k"})), "count(*)") == 100);
}

}  // namespace millpond
