#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include "runner/inline_runner.h"
#include "runner/routed_runner.h"
#include "runner/runner_harness.h"
#include "runner/thread_runner.h"

namespace millpond {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

TaskResult answer(const Task& task, const std::atomic<bool>& cancel) {
  if (task.query == "throw") throw std::runtime_error("thrown on purpose");
  while (task.query == "wait" && !cancel.load()) std::this_thread::sleep_for(milliseconds(1));
  TaskResult result;
  result.metrics.rows_out = task.partition;
  if (cancel.load()) result.status = Status(StatusCode::kCancelled, "obeyed");
  return result;
}

TEST_CASE("inline tasks run on the waiting thread, one a wait, in order", "[inline]") {
  std::vector<std::int64_t> order;
  const std::thread::id here = std::this_thread::get_id();
  auto runner = make_inline_runner([&](const Task& task, const std::atomic<bool>& cancel) {
    CHECK(std::this_thread::get_id() == here);
    order.push_back(task.id);
    return answer(task, cancel);
  });
  for (std::int64_t id = 0; id < 5; ++id) REQUIRE(runner->start(make_task(id, "")).is_ok());
  CHECK(runner->start(make_task(4, "")).code() == StatusCode::kInternal);
  CHECK(runner->wait(milliseconds(0)).size() == 1);
  runner->cancel("a2");
  const auto ended = collect(*runner, 4);
  CHECK(order == std::vector<std::int64_t>{0, 1, 3, 4});
  CHECK(ended.at("a2").result.status.code() == StatusCode::kCancelled);
  CHECK(runner->wait(milliseconds(0)).empty());
}

TEST_CASE("threads run tasks side by side and survive exceptions", "[threads]") {
  auto runner = make_thread_runner(answer, 2);
  CHECK(runner->slots() == 2);
  REQUIRE(runner->start(make_task(1, "wait")).is_ok());
  REQUIRE(runner->start(make_task(2, "throw")).is_ok());
  auto ended = collect(*runner, 1);
  CHECK(ended.at("a2").result.status.message().find("thrown on purpose") != std::string::npos);
  CHECK(runner->start(make_task(1, "")).code() == StatusCode::kInternal);
  runner->cancel("a1");
  CHECK(collect(*runner, 1).at("a1").result.status.message() == "obeyed");
}

TEST_CASE("a task cancelled before its turn never runs", "[threads]") {
  std::atomic<int> ran = 0;
  auto runner = make_thread_runner(
      [&ran](const Task& task, const std::atomic<bool>& cancel) {
        ++ran;
        return answer(task, cancel);
      },
      1);
  REQUIRE(runner->start(make_task(1, "wait")).is_ok());
  REQUIRE(runner->start(make_task(2, "")).is_ok());
  runner->cancel("a2");
  runner->cancel("a1");
  const auto ended = collect(*runner, 2);
  CHECK(ended.at("a2").result.status.code() == StatusCode::kCancelled);
  CHECK(ran <= 1);
}

TEST_CASE("no more threads run than there are slots", "[threads]") {
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  auto runner = make_thread_runner(
      [&](const Task& task, const std::atomic<bool>& cancel) {
        const int now = ++running;
        int seen = most.load();
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::sleep_for(milliseconds(1));
        --running;
        return answer(task, cancel);
      },
      3);
  for (std::int64_t id = 0; id < 60; ++id) REQUIRE(runner->start(make_task(id, "")).is_ok());
  collect(*runner, 60);
  CHECK(most == 3);
}

TEST_CASE("shutdown cancels what runs and forgets what waits", "[threads]") {
  auto runner = make_thread_runner(answer, 2);
  for (std::int64_t id = 0; id < 10; ++id) REQUIRE(runner->start(make_task(id, "wait")).is_ok());
  std::this_thread::sleep_for(milliseconds(5));
  const auto begin = Steady::now();
  runner->shutdown();
  CHECK(Steady::now() - begin < std::chrono::seconds(2));
  CHECK(runner->wait(milliseconds(0)).empty());
  CHECK(runner->start(make_task(99, "")).code() == StatusCode::kCancelled);
}

TEST_CASE("wake ends a wait from another thread", "[threads]") {
  auto runner = make_thread_runner(answer, 1);
  const auto begin = Steady::now();
  std::thread other([&runner] {
    std::this_thread::sleep_for(milliseconds(20));
    runner->wake();
  });
  CHECK(runner->wait(std::chrono::hours(24 * 365)).empty());
  CHECK(Steady::now() - begin < std::chrono::seconds(10));
  other.join();
  runner->wake();
  CHECK(runner->wait(std::chrono::hours(1)).empty());
}

TEST_CASE("a thousand trivial tasks through threads cost less than 50 ms", "[threads][speed]") {
  auto runner = make_thread_runner(answer, 2);
  const auto begin = Steady::now();
  for (std::int64_t id = 0; id < 1000; ++id) REQUIRE(runner->start(make_task(id, "")).is_ok());
  collect(*runner, 1000);
  const double taken = std::chrono::duration<double>(Steady::now() - begin).count();
  INFO(taken << " s");
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  CHECK(taken < 0.05);
#endif
}

TEST_CASE("tasks with a call go to processes, the others stay here", "[routed]") {
  for (const bool threads : {true, false}) {
    INFO((threads ? "threads" : "inline"));
    auto inbox = std::make_shared<Inbox>();
    std::atomic<int> here = 0;
    const RunTask run = [&here](const Task& task, const std::atomic<bool>& cancel) {
      ++here;
      return answer(task, cancel);
    };
    auto local = threads ? make_thread_runner(run, 2, inbox) : make_inline_runner(run, inbox);
    auto runner = make_routed_runner(std::move(local), make_processes(worker_options(3), inbox));
    CHECK(runner->slots() == 3);
    for (std::int64_t id = 0; id < 8; ++id) REQUIRE(runner->start(make_task(id, "pid", id % 2 == 1)).is_ok());
    std::set<std::string> pids;
    for (const auto& [attempt, event] : collect(*runner, 8)) {
      CHECK(event.result.status.is_ok());
      CHECK(event.result.directory.empty() == (event.result.task % 2 == 0));
      pids.insert(event.result.directory);
    }
    CHECK(here == 4);
    REQUIRE(runner->start(make_task(9, "wait", true)).is_ok());
    runner->cancel("a9");
    CHECK(collect(*runner, 1).at("a9").result.status.code() == StatusCode::kCancelled);
  }
}

}  // namespace
}  // namespace millpond
