#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "runner/process_runner.h"
#include "runner/runner.h"

namespace millpond {

inline Task make_task(std::int64_t id, const std::string& query, bool call = false) {
  Task task;
  task.id = id;
  task.partition = id;
  task.attempt = "a" + std::to_string(id);
  task.query = query;
  if (call) task.call = CallSpec{};
  return task;
}

/// Waits until `count` attempts have ended, at most `limit`; by attempt.
inline std::map<std::string, RunnerEvent> collect(Runner& runner, std::size_t count,
                                                  std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  std::map<std::string, RunnerEvent> ended;
  const auto end = std::chrono::steady_clock::now() + limit;
  while (ended.size() < count && std::chrono::steady_clock::now() < end) {
    for (RunnerEvent& event : runner.wait(std::chrono::milliseconds(50))) {
      const std::string attempt = event.result.attempt;
      INFO("attempt " << attempt);
      CHECK(ended.emplace(attempt, std::move(event)).second);
    }
  }
  CHECK(ended.size() == count);
  return ended;
}

/// Options for the test's own worker program, impatient.
inline ProcessRunnerOptions worker_options(std::int64_t slots, std::vector<std::string> arguments = {}) {
  ProcessRunnerOptions options;
  options.command = {MILLPOND_TEST_WORKER};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  options.slots = slots;
  options.info = WorkerInfo{kWorkerProtocol, "0.0.1", "v2.0.0", 1};
  options.heartbeat = std::chrono::milliseconds(50);
  options.silence = std::chrono::milliseconds(1500);
  options.cancel_grace = std::chrono::milliseconds(300);
  return options;
}

inline std::unique_ptr<Runner> make_processes(ProcessRunnerOptions options, std::shared_ptr<Inbox> inbox = nullptr) {
  Result<std::unique_ptr<Runner>> runner = make_process_runner(std::move(options), std::move(inbox));
  REQUIRE(runner.is_ok());
  return std::move(*runner);
}

}  // namespace millpond
