#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "runner/runner.h"

namespace millpond {

/// Where the threads of one or several runners put ended attempts for the one driver that waits. Thread-safe.
class Inbox {
 public:
  void push(RunnerEvent event);
  /// All events; waits for the first at most `timeout`, or until wake().
  std::vector<RunnerEvent> wait(std::chrono::nanoseconds timeout);
  void wake();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<RunnerEvent> events_;
  bool woken_ = false;
};

}  // namespace millpond
