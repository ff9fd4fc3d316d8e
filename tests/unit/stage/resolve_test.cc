#include "stage/resolve.h"

#include "catch.hpp"

namespace millpond {
namespace {

/// A task's result: `rows[p]` rows of partition p.
TaskResult written(std::int64_t task, const std::vector<std::int64_t>& rows) {
  TaskResult result;
  result.directory = "/task" + std::to_string(task);
  OutputFile file;
  file.path = "rows.exchange";
  file.digest = "digest" + std::to_string(task);
  for (std::size_t p = 0; p < rows.size(); ++p) {
    if (rows[p] > 0) file.segments.push_back({static_cast<std::int64_t>(p), rows[p], rows[p] * 8});
    file.num_rows += rows[p];
    result.metrics.rows_out += rows[p];
  }
  result.files = {file};
  result.schema = {{"a", "BIGINT"}};
  return result;
}

Stage shuffled_stage(std::int64_t tasks, std::int64_t partitions) {
  Stage stage;
  stage.tasks = tasks;
  stage.placement = Placement{};
  stage.placement->kind = Placement::Kind::kHash;
  stage.placement->count = partitions;
  return stage;
}

/// "/task0:2 /task1:3": directories and rows.
std::string text(const Result<ResolvedPartition>& partition) {
  REQUIRE(partition.is_ok());
  std::string text;
  for (const auto& slice : partition->slices) {
    const auto& segment = std::get<SegmentSlice>(slice);
    const std::string folder = segment.path.substr(0, segment.path.rfind('/'));
    text += (text.empty() ? "" : " ") + folder + ":" + std::to_string(slice_rows(slice));
  }
  return text;
}

struct Fixture {
  std::vector<Stage> stages = {shuffled_stage(2, 3)};
  std::vector<TaskResult> results = {written(0, {2, 0, 4}), written(1, {3, 0, 1})};
  SourceResolver resolver{stages, [this](std::int64_t, std::int64_t task) -> const TaskResult& {
                            return results[static_cast<std::size_t>(task)];
                          }};
};

}  // namespace

TEST_CASE("a shuffled partition lies in every task's file that has rows of it") {
  Fixture fixture;
  const SourcePtr source = stage_source(fixture.stages.front());
  REQUIRE(source->count == 3);
  CHECK(text(fixture.resolver.partition(source, 0)) == "/task0:2 /task1:3");
  CHECK(text(fixture.resolver.partition(source, 1)).empty());
  CHECK(text(fixture.resolver.partition(source, 2)) == "/task0:4 /task1:1");
}

TEST_CASE("a stage that keeps partitions has one a task") {
  Fixture fixture;
  fixture.stages.front().placement = Placement{};
  fixture.results = {written(0, {2}), written(1, {3})};
  const SourcePtr source = stage_source(fixture.stages.front());
  REQUIRE(source->count == 2);
  CHECK(text(fixture.resolver.partition(source, 1)) == "/task1:3");
}

TEST_CASE("a union has the partitions of its parts, one after the other") {
  Fixture fixture;
  const SourcePtr source = stage_source(fixture.stages.front());
  const SourcePtr both = concat_source({source, source});
  REQUIRE(both->count == 6);
  CHECK(text(fixture.resolver.partition(both, 5)) == "/task0:4 /task1:1");
}

TEST_CASE("gathered partitions are read as one") {
  Fixture fixture;
  const SourcePtr all = gather_source(stage_source(fixture.stages.front()));
  CHECK(all->count == 1);
  CHECK(text(fixture.resolver.partition(all, 0)) == "/task0:2 /task1:3 /task0:4 /task1:1");
}

TEST_CASE("rows are split in runs of equal length, through segments") {
  Fixture fixture;
  const SourcePtr split = split_rows_source(stage_source(fixture.stages.front()), 3);
  CHECK(text(fixture.resolver.partition(split, 0)) == "/task0:2 /task1:2");
  CHECK(text(fixture.resolver.partition(split, 1)) == "/task1:1 /task0:2");
  CHECK(text(fixture.resolver.partition(split, 2)) == "/task0:2 /task1:1");
}

TEST_CASE("a split that was worked out is forgotten when results change") {
  Fixture fixture;
  const SourcePtr split = split_rows_source(stage_source(fixture.stages.front()), 2);
  CHECK(text(fixture.resolver.partition(split, 0)) == "/task0:2 /task1:3");
  fixture.results[0] = written(0, {4, 0, 4});
  fixture.resolver.forget();
  CHECK(text(fixture.resolver.partition(split, 0)) == "/task0:4 /task1:2");
}

TEST_CASE("the columns of a source are those that its tasks wrote, of one with rows if there is any") {
  Fixture fixture;
  fixture.results[0] = written(0, {0, 0, 0});
  fixture.results[0].schema = {{"guess", "INTEGER"}};
  const auto schema = fixture.resolver.written_schema(gather_source(stage_source(fixture.stages.front())));
  CHECK(schema == Schema{{"a", "BIGINT"}});
}

TEST_CASE("files and stored rows are never one relation") {
  FileSlice file;
  file.path = "/x.parquet";
  const SourcePtr files = static_source({{file}}, ScanOptions{});
  Fixture fixture;
  const SourcePtr both = concat_source({files, stage_source(fixture.stages.front())});
  CHECK_FALSE(is_uniform(*both));
  CHECK(is_uniform(*concat_source({files, files})));
  CHECK(stages_of(*both) == std::vector<std::int64_t>{0});
  CHECK(fixture.resolver.partition(gather_source(both), 0).status().code() == StatusCode::kUnsupported);
}

}  // namespace millpond
