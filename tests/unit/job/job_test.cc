#include "job/job.h"

#include <thread>

#include "catch.hpp"
#include "job/fake_engine.h"
#include "job/write_notes.h"
#include "runner/thread_runner.h"
#include "temporary_directory.h"

namespace millpond {
namespace {

constexpr std::int64_t kSources = 12;

/// 12 tasks make numbers, 5 deal them again, 3 write them.
StageGraph numbers_to(const std::string& output, const std::string& fingerprint = "f", WriteMode mode = WriteMode::kError) {
  StageGraph graph;
  graph.stages.resize(3);
  const std::int64_t tasks[] = {kSources, 5, 3};
  for (std::size_t i = 0; i < 3; ++i) {
    Stage& stage = graph.stages[i];
    stage.id = static_cast<std::int64_t>(i);
    stage.name = "stage";
    stage.query = "numbers of " + std::to_string(kSources) + ", step " + std::to_string(i);
    stage.tasks = tasks[i];
    stage.fingerprint = fingerprint;
    if (i > 0) stage.inputs = {{"in0", {{"v", "BIGINT"}}, stage_source(graph.stages[i - 1])}};
    if (i < 2) {
      stage.placement = Placement{};
      stage.placement->kind = Placement::Kind::kHash;
      stage.placement->keys = {"v"};
      stage.placement->count = tasks[i + 1];
    }
  }
  WriteFilesOptions options;
  options.format = "csv";
  options.mode = mode;
  graph.stages[2].write = StageWrite{output, options};
  return graph;
}

std::multiset<std::int64_t> all_numbers() {
  std::multiset<std::int64_t> numbers;
  for (std::int64_t i = 0; i < kSources * FakeEngine::kRowsATask; ++i) numbers.insert(i);
  return numbers;
}

std::int64_t count(const std::string& text, const std::string& word) {
  std::int64_t times = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++times;
  return times;
}

/// One driver with a folder, an engine and threads of its own.
struct Driver {
  FakeEngine engine;
  std::string folder;
  std::string job_id;
  std::atomic<bool> cancelled = false;
  ProgressCallback progress;
  std::int64_t num_progress = 0;

  Driver(const TemporaryDirectory& directory, const std::string& id) : folder(directory / ("data/" + id)), job_id(id) {
    (void)local_file_system()->make_directories(folder);
  }

  Status run(const StageGraph& graph) {
    auto store = ResultStore::open(local_file_system(), folder, "engine");
    if (!store.is_ok()) return store.status();
    EventLog log(local_file_system(), folder + "/events.jsonl", system_clock());
    AttemptNames attempts;
    const auto runner = make_thread_runner(engine.as_function(), 4);
    JobContext context;
    context.files = local_file_system();
    context.runner = runner.get();
    context.store = store->get();
    context.log = &log;
    context.clock = &system_clock();
    context.attempts = &attempts;
    context.job_directory = folder;
    context.job_id = job_id;
    context.task_context = "{}";
    context.scheduler.retry_delay_seconds = 0.001;
    context.scheduler.max_retries = 20;
    context.progress = progress;
    context.cancelled = &cancelled;
    Job job(graph, context);
    const Status status = job.run();
    runner->shutdown();
    for (const StageWrite& write : job.unfinished_writes()) {
      (void)discard_write(*local_file_system(), write, {job_id, xxh3_128_hex(job_id + "/f"), {}});
    }
    return status;
  }
};

}  // namespace

TEST_CASE("a job on threads writes every row once") {
  TemporaryDirectory directory;
  Driver driver(directory, "one");
  std::vector<ProgressEvent> told;
  driver.progress = [&](const ProgressEvent& event) { told.push_back(event); };
  const Status status = driver.run(numbers_to(directory / "out"));
  INFO(status.to_string());
  REQUIRE(status.is_ok());
  CHECK(numbers_in(directory / "out") == all_numbers());
  CHECK(driver.engine.num_runs == kSources + 5 + 3);
  REQUIRE_FALSE(told.empty());
  CHECK(told.back().finished);
}

TEST_CASE("tasks that fail for now are run again, without their rows counting twice") {
  TemporaryDirectory directory;
  Driver driver(directory, "one");
  driver.engine.fail_every = 4;
  REQUIRE(driver.run(numbers_to(directory / "out")).is_ok());
  CHECK(numbers_in(directory / "out") == all_numbers());
  CHECK(driver.engine.num_runs > kSources + 5 + 3);
}

TEST_CASE("exchange files that are gone when they are read are made again") {
  TemporaryDirectory directory;
  Driver driver(directory, "one");
  driver.engine.losses = 3;
  const Status status = driver.run(numbers_to(directory / "out"));
  INFO(status.to_string());
  REQUIRE(status.is_ok());
  CHECK(numbers_in(directory / "out") == all_numbers());
}

TEST_CASE("a job that is done does nothing again, nor does one whose tasks are") {
  TemporaryDirectory directory;
  Driver driver(directory, "one");
  REQUIRE(driver.run(numbers_to(directory / "out")).is_ok());
  const std::int64_t before = driver.engine.num_runs;
  REQUIRE(driver.run(numbers_to(directory / "out")).is_ok());
  CHECK(driver.engine.num_runs == before);
  REQUIRE(driver.run(numbers_to(directory / "other")).is_ok());
  CHECK(driver.engine.num_runs == before + 3);
  CHECK(numbers_in(directory / "other") == all_numbers());
}

TEST_CASE("a job cancelled by another thread ends with that; the next run goes on") {
  TemporaryDirectory directory;
  Driver driver(directory, "one");
  driver.engine.holds_after = 5;
  std::thread other([&] {
    while (count(directory.read("data/one/events.jsonl"), "task_finished") < 5) std::this_thread::yield();
    driver.cancelled = true;
  });
  const Status status = driver.run(numbers_to(directory / "out"));
  other.join();
  CHECK(status.code() == StatusCode::kCancelled);
  CHECK_FALSE(directory.exists("out"));
  driver.cancelled = false;
  driver.engine.holds_after = std::numeric_limits<std::int64_t>::max();
  driver.engine.num_runs = 0;
  REQUIRE(driver.run(numbers_to(directory / "out")).is_ok());
  CHECK(driver.engine.num_runs == kSources + 5 + 3 - 5);
  CHECK(numbers_in(directory / "out") == all_numbers());
}

TEST_CASE("of several drivers that write to one path, one wins and the others say so") {
  for (int round = 0; round < 5; ++round) {
    TemporaryDirectory directory;
    constexpr std::size_t kDrivers = 3;
    std::vector<std::unique_ptr<Driver>> drivers;
    std::vector<Status> ends(kDrivers);
    for (std::size_t i = 0; i < kDrivers; ++i) drivers.push_back(std::make_unique<Driver>(directory, "d" + std::to_string(i)));
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kDrivers; ++i) {
      threads.emplace_back([&, i] { ends[i] = drivers[i]->run(numbers_to(directory / "out")); });
    }
    for (std::thread& thread : threads) thread.join();
    std::size_t won = 0;
    for (const Status& end : ends) {
      won += end.is_ok() ? 1 : 0;
      INFO(end.to_string());
      CHECK((end.is_ok() || end.code() == StatusCode::kAlreadyExists || end.code() == StatusCode::kConflict));
    }
    CHECK(won == 1);
    CHECK(numbers_in(directory / "out") == all_numbers());
    std::size_t beside = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) beside += entry.is_directory() ? 1 : 0;
    CHECK(beside == 2);
  }
}

}  // namespace millpond
