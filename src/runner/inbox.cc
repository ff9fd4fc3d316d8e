#include "runner/inbox.h"

#include <utility>

namespace millpond {

void Inbox::push(RunnerEvent event) {
  {
    std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  changed_.notify_one();
}

std::vector<RunnerEvent> Inbox::wait(std::chrono::nanoseconds timeout) {
  std::unique_lock lock(mutex_);
  const auto arrived = [this] { return woken_ || !events_.empty(); };
  if (timeout.count() > 0) {
    // Longer waits would overflow the clock's arithmetic; the driver asks again anyway.
    const std::chrono::nanoseconds longest = std::chrono::hours(1);
    changed_.wait_for(lock, timeout < longest ? timeout : longest, arrived);
  }
  woken_ = false;
  return std::exchange(events_, {});
}

void Inbox::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

}  // namespace millpond
