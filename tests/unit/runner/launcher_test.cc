#include <map>
#include <mutex>
#include <set>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/runner_harness.h"

namespace millpond {
namespace {

/// Machines that are processes of this one.
class Machines final : public WorkerLauncher {
 public:
  ~Machines() override {
    for (const auto& [number, pid] : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  std::vector<WorkerHost> hosts() override {
    std::lock_guard lock(mutex_);
    return hosts_;
  }
  Status start(std::int64_t number, const WorkerShare& share, int fd) override {
    std::lock_guard lock(mutex_);
    const std::string node = std::to_string(share.node);
    const char* behaviour = broken_.contains(share.node) ? "--exit" : "--node";
    const std::string socket = std::to_string(fd);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::fcntl(fd, F_SETFD, 0);
      ::execl(MILLPOND_TEST_WORKER, MILLPOND_TEST_WORKER, behaviour, node.c_str(), socket.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(fd);
    pids_[number] = pid;
    return {};
  }
  std::optional<WorkerEnd> ended(std::int64_t number) override {
    std::lock_guard lock(mutex_);
    const auto found = pids_.find(number);
    if (found == pids_.end()) return WorkerEnd{"ended", out_of_memory_};
    if (::waitpid(found->second, nullptr, WNOHANG) == 0) return std::nullopt;
    pids_.erase(found);
    return WorkerEnd{"ended", out_of_memory_};
  }
  void kill(std::int64_t number) override {
    std::lock_guard lock(mutex_);
    const auto found = pids_.find(number);
    if (found != pids_.end()) ::kill(found->second, SIGKILL);
  }
  std::optional<std::int64_t> size_of(const std::string&) override { return std::nullopt; }
  Status fetch(const std::string& path) override { return Status(StatusCode::kNotFound, path); }
  void remove(const std::string&) override {}

  void set(std::vector<WorkerHost> hosts, std::set<std::int64_t> broken = {}, bool out_of_memory = false) {
    std::lock_guard lock(mutex_);
    hosts_ = std::move(hosts);
    broken_ = std::move(broken);
    out_of_memory_ = out_of_memory;
  }

 private:
  std::mutex mutex_;
  std::vector<WorkerHost> hosts_;
  std::set<std::int64_t> broken_;
  bool out_of_memory_ = false;
  std::map<std::int64_t, pid_t> pids_;
};

std::unique_ptr<Runner> make_runner(const std::shared_ptr<Machines>& machines) {
  ProcessRunnerOptions options = worker_options(1);
  options.launcher = machines;
  return make_processes(std::move(options));
}

WorkerHost host(std::int64_t node, std::int64_t slots = 1) { return {node, slots, 0, 0, {}, false}; }

RunnerEvent run_at(Runner& runner, std::int64_t node, std::int64_t id, const std::string& query) {
  REQUIRE(runner.start_at(node, make_task(id, query)).is_ok());
  auto ended = collect(runner, 1);
  REQUIRE(ended.size() == 1);
  return ended.begin()->second;
}

TEST_CASE("a task runs on the machine that it was given to, also on one that has just come", "[launcher]") {
  const auto machines = std::make_shared<Machines>();
  machines->set({host(3), host(7, 2)});
  auto runner = make_runner(machines);
  CHECK(runner->slots() == 3);
  CHECK(run_at(*runner, 7, 1, "arguments").result.directory.find("--node 7 ") == 0);
  CHECK(run_at(*runner, 3, 2, "arguments").result.directory.find("--node 3 ") == 0);
  machines->set({host(7, 2), host(8)});
  CHECK(run_at(*runner, 8, 3, "arguments").result.directory.find("--node 8 ") == 0);
  CHECK(runner->places().size() == 2);
}

TEST_CASE("a task of a machine that is gone is told to have died with it", "[launcher]") {
  const auto machines = std::make_shared<Machines>();
  machines->set({host(3)});
  auto runner = make_runner(machines);
  CHECK(run_at(*runner, 3, 1, "pid").result.status.is_ok());
  const RunnerEvent event = run_at(*runner, 4, 2, "pid");
  CHECK(event.worker_died);
  CHECK(event.result.status.code() == StatusCode::kUnavailable);
}

TEST_CASE("a worker that its machine ended for want of memory is told so", "[launcher]") {
  const auto machines = std::make_shared<Machines>();
  machines->set({host(0)}, {}, true);
  auto runner = make_runner(machines);
  const RunnerEvent event = run_at(*runner, 0, 1, "crash 9");
  CHECK(event.worker_died);
  CHECK(event.result.status.code() == StatusCode::kOutOfMemory);
}

TEST_CASE("a machine on which no worker starts is left alone while there are others", "[launcher]") {
  const auto machines = std::make_shared<Machines>();
  machines->set({host(1), host(2)}, {1});
  auto runner = make_runner(machines);
  const RunnerEvent event = run_at(*runner, 1, 1, "pid");
  CHECK(event.worker_died);
  REQUIRE(runner->places().size() == 1);
  CHECK(runner->places()[0].node == 2);
  CHECK(run_at(*runner, 2, 2, "pid").result.status.is_ok());
}

}  // namespace
}  // namespace millpond
