#include "millpond/dataframe.h"

#include <numeric>

#include "api/session_fixture.h"
#include "catch.hpp"

namespace millpond {
namespace {

std::vector<std::int64_t> up_to(std::int64_t end) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(end));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

RepartitionOptions by_hash(const std::string& key) {
  RepartitionOptions options;
  options.hash_by = {key};
  return options;
}

RepartitionOptions by_rows() {
  RepartitionOptions options;
  options.by_rows = true;
  return options;
}

template <typename T>
StatusCode code(const Result<T>& result) {
  return result.status().code();
}

}  // namespace

TEST_CASE("rows come in the order of partitions, whichever runner ran them") {
  for (const char* runner : {"threads", "inline"}) {
    SessionFixture fixture(runner);
    const DataFrame frame = fixture.value(fixture.numbers(5000).repartition(7, by_rows()));
    CHECK(frame.num_partitions() == 7);
    CHECK(fixture.integers(fixture.value(frame.filter("i >= 0"))) == up_to(5000));
    CHECK(fixture.value(frame.count()) == 5000);
  }
}

TEST_CASE("a partition can be read alone") {
  SessionFixture fixture;
  const DataFrame frame = fixture.value(fixture.numbers(10).repartition(5, by_rows()));
  ArrowStream stream = fixture.value(frame.to_arrow_partition(4));
  ArrowArray array{};
  REQUIRE(stream->get_next(stream.get(), &array) == 0);
  CHECK(array.length == 2);
  array.release(&array);
  CHECK(code(frame.to_arrow_partition(5)) == StatusCode::kInvalidArgument);
}

TEST_CASE("making a frame binds it, at the user's line") {
  SessionFixture fixture;
  const auto wrong = fixture.numbers(10).filter("j > 3", "job.py:12");
  CHECK(code(wrong) == StatusCode::kInvalidArgument);
  CHECK(wrong.status().context().location == "job.py:12");
  CHECK(wrong.status().context().node == "filter");
  CHECK(wrong.status().message().find("j") != std::string::npos);
}

TEST_CASE("a result is kept until recompute, and what was made from it goes with it") {
  SessionFixture fixture;
  const DataFrame dice = fixture.value(fixture.numbers(50).map("(random() * 1e9)::BIGINT AS r"));
  const DataFrame more = fixture.value(dice.map("r"));
  CHECK_FALSE(dice.is_computed());
  const auto first = fixture.integers(dice);
  CHECK(dice.is_computed());
  CHECK(fixture.integers(more) == first);
  REQUIRE(dice.recompute().is_ok());
  CHECK_FALSE(dice.is_computed());
  CHECK_FALSE(more.is_computed());
  CHECK(fixture.integers(dice) != first);
}

TEST_CASE("partitioning is told and carried along") {
  SessionFixture fixture;
  const DataFrame frame = fixture.value(fixture.numbers(10).repartition(4, by_hash("k")));
  CHECK(frame.partitioning() == "4 partitions by hash(k)");
  CHECK(fixture.value(frame.map("k AS key, i")).partitioning() == "4 partitions by hash(key)");
  CHECK(fixture.value(frame.map("i")).partitioning() == "4 partitions by hash");
  CHECK(fixture.value(frame.limit(3)).partitioning() == "1 partition");
}

TEST_CASE("frames that are not partitioned alike don't meet in one query") {
  SessionFixture fixture;
  const DataFrame one = fixture.value(fixture.numbers(10).repartition(4, by_hash("k")));
  const DataFrame two = fixture.value(fixture.numbers(10).repartition(4, by_rows()));
  const auto joined = fixture.session->partial_sql("SELECT * FROM {0} JOIN {1} USING (i)", {one, two});
  CHECK(code(joined) == StatusCode::kInvalidArgument);
  CHECK_FALSE(joined.status().hint().empty());
}

TEST_CASE("frames of two sessions don't meet") {
  SessionFixture one, two;
  CHECK(code(one.session->partial_sql("FROM {0}", {two.numbers(3)})) == StatusCode::kInvalidArgument);
}

TEST_CASE("an aggregate that the partitions don't cover warns once") {
  SessionFixture fixture;
  const DataFrame frame = fixture.value(fixture.numbers(10).repartition(4, by_hash("k")));
  (void)fixture.value(frame.partial_sql("SELECT k, count(*) AS c FROM {0} GROUP BY k"));
  CHECK(fixture.session->take_warnings().empty());
  (void)fixture.value(frame.partial_sql("SELECT i % 2 AS g, count(*) AS c FROM {0} GROUP BY g", {}, "job.py:3"));
  (void)fixture.value(frame.partial_sql("SELECT i % 2 AS g, count(*) AS c FROM {0} GROUP BY g", {}, "job.py:3"));
  const auto warnings = fixture.session->take_warnings();
  REQUIRE(warnings.size() == 1);
  CHECK(warnings.front().find("an aggregate") != std::string::npos);
  CHECK(fixture.session->take_warnings().empty());
}

TEST_CASE("a projection that looks like a filter warns") {
  SessionFixture fixture;
  (void)fixture.value(fixture.numbers(10).map("i > 3"));
  REQUIRE(fixture.session->take_warnings().size() == 1);
}

TEST_CASE("a write is lazy, then atomic, and its rows are what was written") {
  SessionFixture fixture;
  const DataFrame frame = fixture.value(fixture.numbers(100).repartition(3, by_rows()));
  const std::string path = fixture.directory / "out";
  const DataFrame write = fixture.value(frame.write_lazy(path));
  CHECK_FALSE(fixture.directory.exists("out"));
  REQUIRE(fixture.session->wait({write}).is_ok());
  CHECK(fixture.value(write.count()) == 3);
  CHECK(fixture.sorted(fixture.value(fixture.session->read_parquet({path}))) == up_to(100));
  CHECK(frame.write(path).is_ok());
  CHECK(fixture.value(frame.filter("i > 3")).write(path).code() == StatusCode::kAlreadyExists);
}

TEST_CASE("a function without workers is refused when it is made") {
  SessionFixture fixture;
  CHECK(code(fixture.numbers(10).call(CallOptions{})) == StatusCode::kUnsupported);
}

TEST_CASE("options that exclude each other are refused") {
  SessionFixture fixture;
  const DataFrame frame = fixture.numbers(10);
  RepartitionOptions both = by_hash("k");
  both.by_rows = true;
  CHECK(code(frame.repartition(3, both)) == StatusCode::kInvalidArgument);
  CHECK(code(frame.repartition(0)) == StatusCode::kInvalidArgument);
  CHECK(code(frame.limit(-1)) == StatusCode::kInvalidArgument);
  WriteFilesOptions write;
  write.single_file = true;
  write.partition_by = {"k"};
  CHECK(code(frame.write_lazy(fixture.directory / "out", write)) == StatusCode::kInvalidArgument);
}

TEST_CASE("a plan can be read as text and as JSON") {
  SessionFixture fixture;
  const DataFrame frame = fixture.value(fixture.value(fixture.numbers(10).repartition(4, by_hash("k"))).map("i + 1 AS j"));
  CHECK(fixture.value(frame.explain()).find("stage 1") != std::string::npos);
  CHECK(fixture.value(frame.explain({.analyze = true})).find("10 rows in, 10 rows and") != std::string::npos);
  CHECK(fixture.value(frame.explain({.analyze = true})).find("nothing ran") != std::string::npos);
  CHECK(frame.plan_json().find("\"fingerprint\"") != std::string::npos);
  CHECK(fixture.session->graph().rfind("digraph", 0) == 0);
}

}  // namespace millpond
