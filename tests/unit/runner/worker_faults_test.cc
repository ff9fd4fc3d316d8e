#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include <signal.h>
#include <unistd.h>

#include "base/random.h"
#include "runner/child_process.h"
#include "runner/runner_harness.h"
#include "temporary_directory.h"

namespace millpond {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

std::set<pid_t> read_pids(const std::string& path) {
  std::set<pid_t> pids;
  std::ifstream file(path);
  for (pid_t pid = 0; file >> pid;) pids.insert(pid);
  return pids;
}

/// Whether the process runs; one that only waits to be reaped by someone else does not.
bool is_running(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  const std::size_t name_end = line.rfind(')');
  return name_end == std::string::npos || line.substr(name_end, 3) != ") Z";
}

bool wait_until(const std::function<bool()>& condition, seconds limit = seconds(15)) {
  const auto end = Steady::now() + limit;
  while (!condition()) {
    if (Steady::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

std::ptrdiff_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return std::distance(begin(files), end(files));
}

TEST_CASE("no worker outlives a driver that was killed, not even a stopped one", "[faults]") {
  TemporaryDirectory directory;
  const std::string pids_path = directory / "pids";
  const auto driver = spawn_child({MILLPOND_TEST_WORKER, "--drive", pids_path}, "");
  REQUIRE(driver.is_ok());
  REQUIRE(wait_until([&] { return read_pids(pids_path).size() == 3; }));
  std::this_thread::sleep_for(milliseconds(200));
  ::kill(driver->pid, SIGKILL);
  for (const pid_t pid : read_pids(pids_path)) {
    INFO("worker " << pid);
    CHECK(wait_until([pid] { return !is_running(pid); }));
  }
  CHECK(wait_until([&] { return poll_child(driver->pid).has_value(); }));
  ::close(driver->fd);
}

TEST_CASE("workers don't depend on the thread that asked for them", "[faults]") {
  auto runner = make_processes(worker_options(1));
  std::thread asker([&runner] { REQUIRE(runner->start(make_task(1, "pid")).is_ok()); });
  asker.join();
  const std::string first = collect(*runner, 1).at("a1").result.directory;
  std::this_thread::sleep_for(milliseconds(50));
  REQUIRE(runner->start(make_task(2, "pid")).is_ok());
  CHECK(collect(*runner, 1).at("a2").result.directory == first);
}

TEST_CASE("a runner leaves no descriptor and no process behind", "[faults]") {
  TemporaryDirectory directory;
  const std::ptrdiff_t before = open_files();
  for (int round = 0; round < 5; ++round) {
    auto runner = make_processes(worker_options(2, {"--pids", directory / "pids"}));
    REQUIRE(runner->start(make_task(1, "crash 9")).is_ok());
    REQUIRE(runner->start(make_task(2, "pid")).is_ok());
    REQUIRE(runner->start(make_task(3, "wait")).is_ok());
    collect(*runner, 2);
  }
  CHECK(open_files() == before);
  for (const pid_t pid : read_pids(directory / "pids")) CHECK(::kill(pid, 0) == -1);
}

/// Runs `count` tasks, starting again each that failed, until all are done. Returns how many deaths there were.
std::int64_t run_to_the_end(Runner& runner, std::int64_t count, const std::function<std::string(int)>& query) {
  std::map<std::int64_t, int> tries;
  std::int64_t open = 0;
  std::int64_t done = 0;
  std::int64_t deaths = 0;
  const auto start = [&](std::int64_t id) {
    Task task = make_task(id, query(++tries[id]));
    task.attempt += "-" + std::to_string(tries[id]);
    REQUIRE(runner.start(task).is_ok());
    ++open;
  };
  for (std::int64_t id = 0; id < count; ++id) start(id);
  const auto end = Steady::now() + seconds(60);
  while (open > 0 && Steady::now() < end) {
    for (const RunnerEvent& event : runner.wait(milliseconds(100))) {
      --open;
      done += event.result.status.is_ok() ? 1 : 0;
      deaths += event.worker_died ? 1 : 0;
      if (!event.result.status.is_ok()) start(event.result.task);
    }
  }
  CHECK(done == count);
  return deaths;
}

TEST_CASE("tasks that kill their worker at first are all done in the end", "[faults]") {
  auto runner = make_processes(worker_options(3));
  const auto query = [](int attempt) { return attempt % 4 == 1 ? "crash 9" : "sleep 2"; };
  CHECK(run_to_the_end(*runner, 60, query) == 60);
}

TEST_CASE("workers killed at random lose no task", "[faults]") {
  TemporaryDirectory directory;
  const std::string pids_path = directory / "pids";
  auto runner = make_processes(worker_options(3, {"--pids", pids_path}));
  std::atomic<bool> stop = false;
  std::thread killer([&] {
    SeededRandom random(7);
    std::set<pid_t> killed;
    while (!stop.load()) {
      std::this_thread::sleep_for(milliseconds(5 + random.below(15)));
      std::vector<pid_t> alive;
      for (const pid_t pid : read_pids(pids_path)) {
        if (!killed.contains(pid)) alive.push_back(pid);
      }
      if (alive.empty()) continue;
      const pid_t pid = alive[random.below(alive.size())];
      killed.insert(pid);
      // Only ours: a dead worker's number may have gone to somebody else.
      if (::getpgid(pid) == pid && is_running(pid)) ::kill(pid, SIGKILL);
    }
  });
  const std::int64_t deaths = run_to_the_end(*runner, 150, [](int) { return "sleep 5"; });
  stop.store(true);
  killer.join();
  CHECK(deaths > 5);
}

}  // namespace
}  // namespace millpond
