#include "job/task_weights.h"

#include <map>
#include <memory>

#include "catch.hpp"

namespace millpond {
namespace {

StageInput dealt_by(std::int64_t stage) {
  auto source = std::make_shared<Source>();
  source->kind = Source::Kind::kStage;
  source->stage = stage;
  source->is_shuffled = true;
  StageInput input;
  input.source = source;
  return input;
}

Stage stage_of(std::int64_t id, std::int64_t tasks, std::vector<StageInput> inputs = {}) {
  Stage stage;
  stage.id = id;
  stage.tasks = tasks;
  stage.inputs = std::move(inputs);
  return stage;
}

TaskResult wrote(std::vector<OutputFile::Segment> segments) {
  TaskResult result;
  OutputFile file;
  file.segments = std::move(segments);
  result.files = {file};
  return result;
}

std::vector<double> weights(const Stage& reader, const std::vector<Stage>& stages,
                            const std::map<TaskRef, TaskResult>& results) {
  const ResultOf result_of = [&](std::int64_t stage, std::int64_t task) {
    const auto found = results.find({stage, task});
    return found == results.end() ? nullptr : &found->second;
  };
  std::vector<double> sums;
  for (const event::TaskHint& hint : task_weights(reader, stages, result_of)) {
    CHECK(hint.task == TaskRef{reader.id, std::ssize(sums)});
    sums.push_back(hint.weight);
  }
  return sums;
}

TEST_CASE("a task weighs what it reads of all that was dealt to it") {
  const std::vector<Stage> stages = {stage_of(0, 2), stage_of(1, 1), stage_of(2, 3, {dealt_by(0), dealt_by(1)})};
  std::map<TaskRef, TaskResult> results;
  results[{0, 0}] = wrote({{0, 1, 10}, {2, 1, 5}});
  results[{0, 1}] = wrote({{0, 1, 7}});
  CHECK(weights(stages[2], stages, results) == std::vector<double>{18, 1, 6});
  results[{1, 0}] = wrote({{1, 1, 100}});
  CHECK(weights(stages[2], stages, results) == std::vector<double>{18, 101, 6});
}

StageInput kept(std::vector<std::int64_t> bytes) {
  std::vector<std::vector<Slice>> partitions;
  for (const std::int64_t size : bytes) partitions.push_back({SegmentSlice{"a.exchange", 0, 1, size, "", {}}});
  auto source = std::make_shared<Source>(*static_source(std::move(partitions), std::nullopt));
  source->is_kept = true;
  StageInput input;
  input.source = source;
  return input;
}

TEST_CASE("one thread is enough for even tasks of which there are many") {
  const auto known = [](const Stage& reader, std::int64_t threads, std::int64_t done = 0) {
    return one_thread_tasks(reader, {}, [](std::int64_t, std::int64_t) { return nullptr; }, reader.tasks - done, threads);
  };
  const Stage even = stage_of(1, 8, {kept({10, 12, 9, 10, 10, 10, 40, 10})});
  CHECK(known(even, 2) == std::vector<bool>{true, true, true, true, true, true, false, true});
  CHECK(known(even, 3).empty());
  CHECK(known(even, 2, 1).empty());
  CHECK(known(stage_of(1, 8), 2).empty());
  // What else it reads isn't known to be even.
  Stage joined = even;
  joined.inputs.push_back(kept({1, 1, 1, 1, 1, 1, 1, 1}));
  CHECK(known(joined, 2).size() == 8);
  auto files = std::make_shared<Source>(*joined.inputs[1].source);
  files->is_kept = false;
  joined.inputs[1].source = files;
  CHECK(known(joined, 2).empty());
}

TEST_CASE("the tasks of a limit keep their order") {
  std::vector<Stage> stages = {stage_of(0, 1), stage_of(1, 2, {dealt_by(0)})};
  stages[1].early_stop_rows = 10;
  CHECK(weights(stages[1], stages, {}).empty());
}

TEST_CASE("who reads a shuffle by partitions is told from who reads all of it") {
  const Stage reader = stage_of(1, 2, {dealt_by(0)});
  CHECK(reads_shuffled(reader, 0));
  CHECK_FALSE(reads_shuffled(reader, 1));
  Stage broadcast = reader;
  broadcast.inputs[0].divisor = 2;
  CHECK_FALSE(reads_shuffled(broadcast, 0));
}

}  // namespace
}  // namespace millpond
