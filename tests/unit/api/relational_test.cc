#include <algorithm>

#include "api/session_fixture.h"
#include "catch.hpp"
#include "millpond/dataframe.h"

namespace millpond {
namespace {

/// Numbers 0 to 99 in seven partitions, with `i % 5` and a name.
DataFrame left_of(SessionFixture& fixture) {
  RepartitionOptions rows;
  rows.by_rows = true;
  const DataFrame all = fixture.value(fixture.numbers(100).repartition(7, rows));
  return fixture.value(all.map("i, i % 5 AS k, nullif(i % 3, 0) AS n"));
}

/// Keys 3 to 7, each with ten times itself, in three partitions.
DataFrame right_of(SessionFixture& fixture) {
  RepartitionOptions rows;
  rows.by_rows = true;
  const DataFrame some = fixture.value(fixture.value(fixture.numbers(8).filter("i >= 3")).repartition(3, rows));
  return fixture.value(some.map("i AS k, i * 10 AS v, i AS n"));
}

/// The one number that an expression over a frame's rows gives.
std::int64_t one(SessionFixture& fixture, const DataFrame& frame, const std::string& expression) {
  return fixture.integers(fixture.value(frame.aggregate({"(" + expression + ")::BIGINT AS i"}))).at(0);
}

}  // namespace

TEST_CASE("joins keep the rows that their kind says") {
  SessionFixture fixture;
  const DataFrame left = left_of(fixture);
  const DataFrame right = right_of(fixture);
  const auto rows = [&](const std::string& how) {
    return fixture.value(fixture.value(left.join(right, {how == "cross" ? std::vector<std::string>{} : std::vector<std::string>{"k"}, how, "", "_r"})).count());
  };
  CHECK(rows("inner") == 40);
  CHECK(rows("left") == 100);
  CHECK(rows("right") == 43);
  CHECK(rows("full") == 103);
  CHECK(rows("semi") == 40);
  CHECK(rows("anti") == 60);
  CHECK(rows("cross") == 500);
}

TEST_CASE("a join's columns: keys once, others by their names") {
  SessionFixture fixture;
  const DataFrame full = fixture.value(left_of(fixture).join(right_of(fixture), {{"K"}, "full", "", "_r"}));
  const Schema schema = fixture.value(full.resolve_schema());
  std::vector<std::string> names;
  for (const Column& column : schema) names.push_back(column.name);
  CHECK(names == std::vector<std::string>{"i", "k", "n", "v", "n_r"});
  CHECK(one(fixture, full, "sum(k)") == 20 * (0 + 1 + 2 + 3 + 4) + 5 + 6 + 7);
  CHECK(one(fixture, full, "count(*) FILTER (WHERE i IS NULL)") == 3);
  const DataFrame less = fixture.value(left_of(fixture).join(right_of(fixture), {{}, "inner", "\"left\".i < \"right\".k", "_right"}));
  CHECK(one(fixture, less, "count(*)") == 3 + 4 + 5 + 6 + 7);
}

TEST_CASE("a join that can't be is refused") {
  SessionFixture fixture;
  const DataFrame left = left_of(fixture);
  const DataFrame right = right_of(fixture);
  const auto refused = [&](const JoinOptions& options) { return left.join(right, options, "job.py:3").status(); };
  CHECK(refused({{"k"}, "outer", "", "_r"}).message().find("\"outer\" is no join") != std::string::npos);
  CHECK(refused({{"i"}, "inner", "", "_r"}).message() == "the right frame of the join has no column \"i\"");
  CHECK(refused({{}, "inner", "", "_r"}).code() == StatusCode::kInvalidArgument);
  CHECK(refused({{"k"}, "cross", "", "_r"}).code() == StatusCode::kInvalidArgument);
  CHECK(refused({{"k"}, "inner", "", ""}).message() == "the join gives two columns \"n\"");
  CHECK(refused({{"x"}, "inner", "", ""}).context().location == "job.py:3");
}

TEST_CASE("aggregates are of all rows, or of all rows of a group") {
  SessionFixture fixture;
  const DataFrame left = left_of(fixture);
  CHECK(one(fixture, left, "sum(i)") == 4950);
  const DataFrame groups = fixture.value(left.aggregate({"count(*) AS c", "sum(i) AS s"}, {"k", "i > 49 AS late"}));
  CHECK(fixture.value(groups.count()) == 10);
  CHECK(one(fixture, groups, "sum(c * (k + 1))") == 20 * 15);
  CHECK(one(fixture, fixture.value(left.filter("i < 0")), "count(*)") == 0);
  CHECK(left.aggregate({}).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("sorted rows, the first of them, and each row once") {
  SessionFixture fixture;
  const DataFrame left = left_of(fixture);
  const auto column = [&](const Result<DataFrame>& frame) { return fixture.integers(fixture.value(fixture.value(frame).select({"i"}))); };
  std::vector<std::int64_t> down = column(left.sort({"k", "i DESC"}));
  CHECK(std::vector<std::int64_t>(down.begin(), down.begin() + 3) == std::vector<std::int64_t>{95, 90, 85});
  CHECK(column(left.top_k(3, "i % 50")).size() == 3);
  CHECK(column(left.top_k(2, "i")) == std::vector<std::int64_t>{99, 98});
  CHECK(left.top_k(-1, "i").status().code() == StatusCode::kInvalidArgument);
  CHECK(left.sort({}).status().code() == StatusCode::kInvalidArgument);
  const DataFrame keys = fixture.value(left.select({"k", "n"}));
  CHECK(fixture.value(fixture.value(keys.distinct()).count()) == 15);
  CHECK(fixture.value(fixture.value(left.distinct({"k"})).count()) == 5);
}

TEST_CASE("sets of rows") {
  SessionFixture fixture;
  const DataFrame left = fixture.value(left_of(fixture).select({"k", "n"}));
  const DataFrame right = fixture.value(right_of(fixture).select({"n", "k"}));
  CHECK(fixture.value(fixture.value(left.union_by_name(right)).count()) == 105);
  CHECK(one(fixture, fixture.value(left.union_by_name(right)), "sum(k)") == 200 + 25);
  const DataFrame same = fixture.value(right.select({"k AS k", "nullif(n, 3) % 3 AS n"}));
  CHECK(fixture.value(fixture.value(left.intersect(same)).count()) == 2);
  CHECK(fixture.value(fixture.value(left.except_(same)).count()) == 13);
}

}  // namespace millpond
