#include "runner/process_pool.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runner/attempt_guard.h"

namespace millpond {

ProcessPool::ProcessPool(ProcessRunnerOptions options, std::shared_ptr<Inbox> inbox, int wake_fd)
    : options_(std::move(options)), inbox_(std::move(inbox)), wake_fd_(wake_fd) {}

ProcessPool::~ProcessPool() {
  shutdown();
  ::close(wake_fd_);
}

void ProcessPool::poke() {
  const std::uint64_t one = 1;
  // The counter can't overflow in this universe, and nothing else can fail.
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof(one));
}

Status ProcessPool::accept(Order order) {
  std::lock_guard lock(mutex_);
  if (stopping_) return Status(StatusCode::kCancelled, "the runner has been shut down");
  if (!broken_.is_ok()) return broken_;
  if (!attempts_.insert(order.task.attempt).second) {
    return Status::internal("attempt " + order.task.attempt + " was started twice");
  }
  orders_.push_back(std::move(order));
  return {};
}

Status ProcessPool::start_at(std::int64_t node, Task task) {
  MILLPOND_RETURN_IF_ERROR(accept({std::move(task), node}));
  if (!supervisor_.joinable()) {
    try {
      supervisor_ = std::thread([this] { supervise(); });
    } catch (const std::exception& error) {
      std::lock_guard lock(mutex_);
      attempts_.clear();
      orders_.clear();
      return Status(StatusCode::kUnavailable, std::string("no thread can be started: ") + error.what());
    }
  }
  poke();
  return {};
}

void ProcessPool::cancel(const std::string& attempt) {
  {
    std::lock_guard lock(mutex_);
    if (!attempts_.contains(attempt)) return;
    cancels_.push_back(attempt);
  }
  poke();
}

void ProcessPool::shutdown() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  poke();
  if (supervisor_.joinable()) supervisor_.join();
}

void ProcessPool::report(TaskResult result, bool worker_died) {
  {
    std::lock_guard lock(mutex_);
    attempts_.erase(result.attempt);
  }
  inbox_->push({std::move(result), worker_died});
}

/// No worker can be had: tell every task, and refuse further ones.
void ProcessPool::break_down(Status why) {
  std::deque<Order> orders;
  {
    std::lock_guard lock(mutex_);
    broken_ = why;
    orders.swap(orders_);
  }
  pending_.insert(pending_.end(), orders.begin(), orders.end());
  for (const Order& order : pending_) report(failed_result(order.task, why));
  pending_.clear();
}

Result<std::unique_ptr<Runner>> make_process_runner(ProcessRunnerOptions options, std::shared_ptr<Inbox> inbox) {
  if (!options.launcher && (options.command.empty() || options.command[0].empty())) {
    return Status::invalid_argument("there is no command to start worker processes with",
                                    "set worker_command to a program and its arguments");
  }
  if (options.slots < 1) {
    return Status::invalid_argument("a process runner needs at least 1 slot, not " + std::to_string(options.slots));
  }
  if (!inbox) inbox = std::make_shared<Inbox>();
  const int wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    return Status(StatusCode::kUnavailable, "no descriptor for the process runner is free", "raise ulimit -n");
  }
  return std::unique_ptr<Runner>(std::make_unique<ProcessPool>(std::move(options), std::move(inbox), wake_fd));
}

}  // namespace millpond
