#include "runner/process_runner.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/runner_harness.h"
#include "temporary_directory.h"

namespace millpond {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

RunnerEvent run_one(Runner& runner, const std::string& query, std::int64_t id = 1) {
  REQUIRE(runner.start(make_task(id, query)).is_ok());
  auto ended = collect(runner, 1);
  REQUIRE(ended.size() == 1);
  return ended.begin()->second;
}

TEST_CASE("a worker process runs tasks and is used again", "[processes]") {
  auto runner = make_processes(worker_options(1));
  const RunnerEvent first = run_one(*runner, "pid", 1);
  const RunnerEvent second = run_one(*runner, "pid", 2);
  CHECK(first.result.status.is_ok());
  CHECK_FALSE(first.worker_died);
  CHECK(first.result.task == 1);
  CHECK(first.result.metrics.rows_out == 1);
  CHECK(first.result.directory == second.result.directory);
  CHECK(first.result.metrics.worker == first.result.directory);
  CHECK(first.result.directory != std::to_string(::getpid()));
}

TEST_CASE("a worker that dies fails its task with the reason and is replaced", "[processes]") {
  struct Row {
    const char* query;
    const char* message;
  };
  const std::vector<Row> rows = {
      {"crash 9", "was killed by signal 9 (SIGKILL)"}, {"crash 11", "was killed by signal 11 (SIGSEGV)"},
      {"crash 6", "was killed by signal 6 (SIGABRT)"}, {"exit 3", "exited with code 3"},
      {"exit 0", "exited with code 0"},                {"garbage", "sent something that is no message"},
      {"stop", "said nothing for 1500 ms"},
  };
  auto runner = make_processes(worker_options(1));
  std::int64_t id = 0;
  for (const Row& row : rows) {
    const RunnerEvent event = run_one(*runner, row.query, ++id);
    INFO(row.query << ": " << event.result.status.message());
    CHECK(event.worker_died);
    CHECK(event.result.status.code() == StatusCode::kUnavailable);
    CHECK(event.result.status.message().find("worker " + std::to_string(id) + " ") == 0);
    CHECK(event.result.status.message().find(row.message) != std::string::npos);
  }
  CHECK(run_one(*runner, "pid", ++id).result.status.is_ok());
}

TEST_CASE("an exception in the task is a failure of the task", "[processes]") {
  auto runner = make_processes(worker_options(1));
  const RunnerEvent event = run_one(*runner, "throw");
  CHECK_FALSE(event.worker_died);
  CHECK(event.result.status.code() == StatusCode::kInternal);
  CHECK(event.result.status.message().find("thrown on purpose") != std::string::npos);
}

TEST_CASE("a large result arrives whole", "[processes]") {
  auto runner = make_processes(worker_options(1));
  CHECK(run_one(*runner, "big 30000000").result.directory == std::string(30000000, 'x'));
}

TEST_CASE("a large task arrives whole", "[processes]") {
  auto runner = make_processes(worker_options(1));
  CHECK(run_one(*runner, "pid " + std::string(20000000, ' ')).result.status.is_ok());
}

TEST_CASE("cancelling reaches queued, obedient and stubborn tasks", "[processes]") {
  auto runner = make_processes(worker_options(2));
  REQUIRE(runner->start(make_task(1, "wait")).is_ok());
  REQUIRE(runner->start(make_task(2, "hang")).is_ok());
  REQUIRE(runner->start(make_task(3, "pid")).is_ok());
  std::this_thread::sleep_for(milliseconds(100));
  runner->cancel("a3");
  runner->cancel("a1");
  runner->cancel("a2");
  runner->cancel("nobody");
  for (const auto& [attempt, event] : collect(*runner, 3)) {
    INFO(attempt);
    CHECK(event.result.status.code() == StatusCode::kCancelled);
    CHECK_FALSE(event.worker_died);
  }
  CHECK(run_one(*runner, "pid", 4).result.status.is_ok());
}

TEST_CASE("an attempt name is used once at a time", "[processes]") {
  auto runner = make_processes(worker_options(1));
  REQUIRE(runner->start(make_task(1, "wait")).is_ok());
  CHECK(runner->start(make_task(1, "wait")).code() == StatusCode::kInternal);
}

TEST_CASE("a worker of another version is refused", "[processes]") {
  auto runner = make_processes(worker_options(2, {"--duckdb", "v1.5.4"}));
  const RunnerEvent event = run_one(*runner, "pid");
  CHECK(event.result.status.code() == StatusCode::kUnsupported);
  CHECK(event.result.status.message() == "the worker has DuckDB v1.5.4, the driver has v2.0.0");
  CHECK_FALSE(event.worker_died);
  CHECK(runner->start(make_task(2, "pid")).code() == StatusCode::kUnsupported);
}

TEST_CASE("a command that starts no worker is an error that says why", "[processes]") {
  SECTION("no such program") {
    ProcessRunnerOptions options = worker_options(2);
    options.command = {"/nonexistent/worker"};
    auto runner = make_processes(options);
    const RunnerEvent event = run_one(*runner, "pid");
    CHECK(event.result.status.message() == "can't start the worker /nonexistent/worker: No such file or directory");
  }
  SECTION("ends before it is ready") {
    auto runner = make_processes(worker_options(2, {"--exit", "7"}));
    const RunnerEvent event = run_one(*runner, "pid");
    CHECK(event.result.status.code() == StatusCode::kUnavailable);
    CHECK(event.result.status.message().find("exited with code 7 before it was ready") != std::string::npos);
  }
  SECTION("never says hello") {
    ProcessRunnerOptions options = worker_options(1, {"--mute", "1"});
    options.start_timeout = milliseconds(100);
    auto runner = make_processes(options);
    const RunnerEvent event = run_one(*runner, "pid");
    CHECK(event.result.status.message().find("did not say hello within 100 ms") != std::string::npos);
  }
  CHECK(make_process_runner(ProcessRunnerOptions{}).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("what a worker printed last stands in the error and in its log", "[processes]") {
  TemporaryDirectory directory;
  ProcessRunnerOptions options = worker_options(1);
  options.log_directory = directory.path();
  auto runner = make_processes(options);
  const RunnerEvent event = run_one(*runner, "log the last words");
  CHECK(event.result.status.context().detail.find("the last words") != std::string::npos);
  const std::string path = std::string(directory.path()) + "/worker-1.log";
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("a worker's own child does not hide its death", "[processes]") {
  auto runner = make_processes(worker_options(1));
  REQUIRE(run_one(*runner, "leave_child", 1).result.status.is_ok());
  CHECK(run_one(*runner, "crash 9", 2).result.status.message().find("SIGKILL") != std::string::npos);
  CHECK(run_one(*runner, "pid", 3).result.status.is_ok());
}

TEST_CASE("shutdown ends all processes at once, whatever they do", "[processes]") {
  auto runner = make_processes(worker_options(3));
  const int pid = std::atoi(run_one(*runner, "pid", 1).result.directory.c_str());
  REQUIRE(runner->start(make_task(2, "hang")).is_ok());
  REQUIRE(runner->start(make_task(3, "wait")).is_ok());
  std::this_thread::sleep_for(milliseconds(50));
  const auto begin = Steady::now();
  runner->shutdown();
  CHECK(Steady::now() - begin < seconds(3));
  CHECK(::kill(pid, 0) == -1);
  CHECK(runner->start(make_task(4, "pid")).code() == StatusCode::kCancelled);
  runner->shutdown();
}

TEST_CASE("a thousand trivial tasks through two processes take less than a second", "[processes][speed]") {
  auto runner = make_processes(worker_options(2));
  run_one(*runner, "pid", 0);
  const auto begin = Steady::now();
  for (std::int64_t id = 1; id <= 1000; ++id) REQUIRE(runner->start(make_task(id, "pid")).is_ok());
  collect(*runner, 1000);
  const double taken = std::chrono::duration<double>(Steady::now() - begin).count();
  INFO(taken << " s");
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  CHECK(taken < 1.0);
#endif
}

}  // namespace
}  // namespace millpond
