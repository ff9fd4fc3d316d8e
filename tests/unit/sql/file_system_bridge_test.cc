#include "sql/file_system_bridge.h"

#include <algorithm>

#include "sql/engine_fixture.h"
#include "storage/fault_file_system.h"

namespace millpond {
namespace {

struct FaultyEngine {
  FaultyEngine() : files(std::make_shared<FaultFileSystem>(local_file_system())) {
    EngineOptions options;
    options.threads = 2;
    options.memory_limit_bytes = std::int64_t{1} << 30;
    engine = value_of(Engine::open(options, files));
  }

  TaskResult run(const Task& task, const std::string& plan = {}) {
    std::optional<FaultPlan> parsed;
    if (!plan.empty()) parsed = value_of(FaultPlan::parse(plan));
    files->set_plan(parsed);
    const std::atomic<bool> cancel{false};
    return engine->run_task(task, {}, cancel);
  }

  /// Whether a call since the last run() begins like this and names a path with this ending.
  bool saw(const std::string& call, const std::string& ending) const {
    const std::vector<std::string> log = files->log();
    return std::any_of(log.begin(), log.end(), [&](const std::string& line) {
      return line.find(" " + call + " ") != std::string::npos && line.ends_with(ending);
    });
  }

  std::shared_ptr<FaultFileSystem> files;
  std::unique_ptr<Engine> engine;
};

Task files_task(const std::string& directory, FileFormat format, const std::string& compression = {}) {
  Task task = parquet_task("SELECT i, 'text ' || i AS t FROM range(5000) r(i)", directory);
  task.output.files->format = format;
  task.output.files->compression = compression;
  return task;
}

}  // namespace

TEST_CASE("DuckDB writes and reads every format through a store that is not the local disk") {
  TestFolder folder;
  FaultyEngine faulty;
  const struct {
    FileFormat format;
    const char* compression;
  } cases[] = {{FileFormat::kParquet, ""}, {FileFormat::kCsv, ""},     {FileFormat::kJson, ""},
               {FileFormat::kCsv, "gzip"}, {FileFormat::kJson, "zstd"}};
  for (const auto& [format, compression] : cases) {
    const std::string name = std::string(file_format_name(format)) + compression;
    INFO(name);
    const TaskResult written = faulty.run(files_task(folder / name, format, compression));
    INFO(written.status.to_string());
    REQUIRE(written.status.is_ok());
    const std::string path = folder / (name + "/" + written.files.at(0).path);
    CHECK(faulty.saw("create", path));
    CHECK(faulty.saw("write_at", path));
    CHECK(faulty.saw("close", path));

    const TaskInput input = file_input(*faulty.engine, "t", {path}, format);
    faulty.files->set_plan({});
    CHECK(rows_of(*faulty.engine, "SELECT count(*), sum(i)::BIGINT, max(t) FROM t", {input}) ==
          std::vector<std::string>{"5000|12497500|text 999"});
    CHECK(faulty.saw("read_at", path));
  }
}

TEST_CASE("several files, folders and odd names go through the bridge") {
  TestFolder folder;
  FaultyEngine faulty;
  Task task = parquet_task("SELECT i % 3 AS p, i FROM range(300) r(i)", folder / "a [b]*?%20{x}");
  task.output.files->partition_by = {"p"};
  const TaskResult written = faulty.run(task);
  INFO(written.status.to_string());
  REQUIRE(written.status.is_ok());
  REQUIRE(written.files.size() == 3);
  std::vector<std::string> paths;
  for (const OutputFile& file : written.files) paths.push_back(written.directory + "/" + file.path);
  const TaskInput input = file_input(*faulty.engine, "t", paths, FileFormat::kParquet);
  CHECK(rows_of(*faulty.engine, "SELECT count(*), sum(i)::BIGINT FROM t", {input}) == std::vector<std::string>{"300|44850"});
}

TEST_CASE("a task whose files fail at any call fails with the store's error and can be run again") {
  TestFolder folder;
  FaultyEngine faulty;
  REQUIRE(faulty.run(files_task(folder / "whole", FileFormat::kParquet)).status.is_ok());
  const std::int64_t calls = faulty.files->calls();
  REQUIRE(calls > 5);
  for (std::int64_t at = 0; at < calls; ++at) {
    for (const char* fault : {"io_error@", "out_of_space@", "short_write@"}) {
      const std::string plan = fault + std::to_string(at);
      INFO(plan);
      const TaskResult result = faulty.run(files_task(folder / plan, FileFormat::kParquet), plan);
      if (faulty.files->faults() == 0) continue;
      INFO(result.status.to_string());
      if (result.status.is_ok()) continue;  // Such as a probe whose failure is as good as "not there".
      const bool is_space = plan.rfind("io_error", 0) != 0;
      CHECK(result.status.code() == (is_space ? StatusCode::kOutOfSpace : StatusCode::kIoError));
      CHECK(result.status.message().find("injected fault") != std::string::npos);
      CHECK(faulty.run(files_task(folder / (plan + "_again"), FileFormat::kParquet)).status.is_ok());
    }
  }
}

TEST_CASE("patterns are refused: globbing is done elsewhere") {
  TestFolder folder;
  FaultyEngine faulty;
  const TaskResult result = faulty.run(parquet_task("SELECT * FROM read_parquet('" + (folder / "*.parquet") + "')", folder / "out"));
  CHECK(result.status.code() == StatusCode::kUnsupported);
}

TEST_CASE("on the local disk DuckDB opens files by itself") {
  CHECK(local_file_system()->is_local_disk("/a"));
  CHECK_FALSE(FaultFileSystem(local_file_system()).is_local_disk("/a"));
}

}  // namespace millpond
