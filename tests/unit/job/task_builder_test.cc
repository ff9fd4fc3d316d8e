#include "job/task_builder.h"

#include "catch.hpp"

namespace millpond {
namespace {

Stage stage_over(const SourcePtr& source) {
  Stage stage;
  stage.id = 3;
  stage.name = "partial_sql";
  stage.query = "SELECT a FROM in0";
  stage.inputs = {{"in0", {{"a", "BIGINT"}}, source}};
  stage.tasks = source->count;
  stage.placement = Placement{};
  return stage;
}

SourcePtr stored(const std::string& digest, const std::string& path = "/x/rows.exchange") {
  SegmentSlice slice;
  slice.path = path;
  slice.num_rows = 4;
  slice.index_digest = digest;
  return static_source({{slice}, {slice}}, {});
}

SourcePtr file(std::int64_t mtime) {
  FileSlice slice;
  slice.path = "/data/a.parquet";
  slice.size = 10;
  slice.mtime_ns = mtime;
  return static_source({{slice}}, ScanOptions{});
}

BuiltTask built(const Stage& stage, std::int64_t partition = 0, const std::string& context = "{}") {
  static const TaskResult kNone;
  const std::vector<Stage> stages;
  SourceResolver resolver(stages, [](std::int64_t, std::int64_t) -> const TaskResult& { return kNone; });
  Result<BuiltTask> task = build_task(stage, partition, resolver, context);
  REQUIRE(task.is_ok());
  return std::move(task).value();
}

}  // namespace

TEST_CASE("a task is the stage's statement over its partition's slices") {
  const Task task = built(stage_over(stored("d")), 1).task;
  CHECK(task.stage == 3);
  CHECK(task.partition == 1);
  CHECK(task.query == "SELECT a FROM in0");
  REQUIRE(task.inputs.size() == 1);
  CHECK(task.inputs.front().slices.size() == 1);
  CHECK(task.output.exchange.has_value());
}

TEST_CASE("equal work on equal content has one fingerprint, wherever the content lies") {
  const std::string one = built(stage_over(stored("d"))).fingerprint;
  CHECK(built(stage_over(stored("d", "/elsewhere/rows.exchange"))).fingerprint == one);
  CHECK(built(stage_over(stored("e"))).fingerprint != one);
  CHECK(built(stage_over(stored("d")), 1).fingerprint != one);
}

TEST_CASE("what decides the rows is part of it") {
  const Stage stage = stage_over(stored("d"));
  const std::string one = built(stage).fingerprint;
  CHECK(built(stage, 0, "{\"version\":2}").fingerprint != one);
  std::vector<Stage> others(5, stage);
  others[0].query = "SELECT a + 1 AS a FROM in0";
  others[1].setup = {"SET TimeZone = 'UTC'"};
  others[2].placement->kind = Placement::Kind::kRandom;
  others[3].inputs.front().schema = {{"a", "INTEGER"}};
  others[4].call = CallSpec{};
  for (const Stage& other : others) CHECK(built(other).fingerprint != one);
}

TEST_CASE("what people see of a task is not") {
  Stage stage = stage_over(stored("d"));
  const std::string one = built(stage).fingerprint;
  stage.name = "map";
  stage.location = "other.py:9";
  stage.resources.threads = 4;
  CHECK(built(stage).fingerprint == one);
}

TEST_CASE("a file that was touched is other input") {
  CHECK(built(stage_over(file(1))).fingerprint == built(stage_over(file(1))).fingerprint);
  CHECK(built(stage_over(file(1))).fingerprint != built(stage_over(file(2))).fingerprint);
}

TEST_CASE("where a function lies is not what it is") {
  Stage stage = stage_over(stored("d"));
  stage.call = CallSpec{};
  stage.call->function_path = "/one";
  stage.call->function_digest = "digest";
  const std::string one = built(stage).fingerprint;
  stage.call->function_path = "/two";
  CHECK(built(stage).fingerprint == one);
  stage.call->function_digest = "other";
  CHECK(built(stage).fingerprint != one);
}

TEST_CASE("the same rows for another output are another task") {
  Stage stage = stage_over(stored("d"));
  stage.placement.reset();
  stage.write = StageWrite{"/out", {}};
  const std::string one = built(stage).fingerprint;
  stage.write->path = "/elsewhere";
  CHECK(built(stage).fingerprint != one);
  stage.write->options.format = "no such format";
  static const TaskResult kNone;
  SourceResolver resolver({}, [](std::int64_t, std::int64_t) -> const TaskResult& { return kNone; });
  CHECK(build_task(stage, 0, resolver, "{}").status().code() == StatusCode::kInvalidArgument);
}

}  // namespace millpond
