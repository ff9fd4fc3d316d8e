#include "catch.hpp"
#include "task/task.h"

namespace millpond {
namespace {

Task sample() {
  Task task;
  task.id = 7;
  task.stage = 2;
  task.partition = 3;
  task.attempt = "a000001-00ff";
  task.setup = {"SET TimeZone = 'UTC'"};
  task.query = "SELECT * FROM in0";
  TaskInput files{"in0", {{"a", "BIGINT"}}, ScanOptions{}, {FileSlice{"/x", 1, 2, "", 3, RowRange{0, 2}}}};
  TaskInput segments{"in1", {{"b", "VARCHAR"}}, std::nullopt, {SegmentSlice{"/y", 1, 2, 3, "d", std::nullopt}}};
  task.inputs = {files, segments, TaskInput{"in2", {}, std::nullopt, {}}};
  task.call = CallSpec{"map", "/f", "00", 10, "pandas", "f", Schema{{"c", "INTEGER"}}};
  task.output.directory = "/out";
  task.output.exchange_file = "a1.exchange";
  task.output.exchange = Placement{Placement::Kind::kHash, {"a", "b c"}, 16, 0xffffffffffffffffULL, {"a"}};
  task.resources = {2, 1 << 20, 0.5, {{"tpu", 1.5}}};
  task.seed = 0x8000000000000001ULL;
  task.location = "job.py:12";
  task.node = "partial_sql";
  return task;
}

}  // namespace

TEST_CASE("a task comes back from its text") {
  Task task = sample();
  auto back = task_from_json(*Json::parse(task_to_json(task).dump()));
  REQUIRE(back.is_ok());
  CHECK(*back == task);

  task.call.reset();
  task.output.exchange.reset();
  task.output.exchange_file.clear();
  task.output.files = WriteOptions{FileFormat::kCsv, {"p"}, 100, true, "zstd", {{"header", "true"}}};
  CHECK(*task_from_json(*Json::parse(task_to_json(task).dump())) == task);
  CHECK(*task_from_json(*Json::parse(task_to_json(Task{}).dump())) == Task{});
}

TEST_CASE("a result comes back from its text") {
  TaskResult result;
  result.task = 7;
  result.attempt = "a";
  result.schema = {{"a", "HUGEINT"}};
  result.directory = "/out";
  result.files = {{"part", 10, 5, "00ff", {{0, 2, 4}, {15, 3, 6}}}, {"empty", 0, 0, "", {}}};
  result.metrics = {1.5, 10, 5, 100, 200, 300, "worker 1"};
  CHECK(*task_result_from_json(*Json::parse(task_result_to_json(result).dump())) == result);

  result.status =
      Status(StatusCode::kUserFunction, "raised", "mend it").with_context({"j:1", "map", "t", "f", "trace"});
  auto back = task_result_from_json(*Json::parse(task_result_to_json(result).dump()));
  REQUIRE(back.is_ok());
  CHECK(*back == result);
  CHECK(status_from_json(status_to_json(Status::ok())).is_ok());
}

TEST_CASE("a status that can't be read is a failure") {
  CHECK(status_from_json(Json()).code() == StatusCode::kInternal);
  CHECK(status_from_json(Json::object({{"code", "?"}})).code() == StatusCode::kInternal);
  CHECK(status_from_json(Json::object({{"code", 0}})).code() == StatusCode::kInternal);
}

TEST_CASE("another version is refused by name and each missing member is noticed") {
  Json json = task_to_json(sample());
  json.set("version", 99);
  CHECK(task_from_json(json).status().code() == StatusCode::kUnsupported);
  for (const char* key : {"version", "id", "attempt", "setup", "query", "inputs", "output", "resources", "seed"}) {
    Json broken = task_to_json(sample());
    broken.set(key, Json());
    INFO(key);
    CHECK(task_from_json(broken).status().code() == StatusCode::kDataCorrupt);
  }
  for (const char* key : {"version", "task", "attempt", "status", "schema", "directory", "files", "metrics"}) {
    Json broken = task_result_to_json(TaskResult{});
    broken.set(key, Json());
    INFO(key);
    CHECK(task_result_from_json(broken).status().code() == StatusCode::kDataCorrupt);
  }
  CHECK(placement_from_json(Json::object({{"kind", "hash"}, {"count", 0}})).status().code() ==
        StatusCode::kDataCorrupt);
  CHECK(placement_from_json(Json::object({{"kind", "?"}, {"count", 1}})).status().code() == StatusCode::kDataCorrupt);
}

}  // namespace millpond
