#include "runner/thread_runner.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "runner/attempt_guard.h"

namespace millpond {
namespace {

class ThreadRunner final : public Runner {
 public:
  ThreadRunner(RunTask run, std::int64_t slots, std::shared_ptr<Inbox> inbox)
      : run_(std::move(run)), slots_(std::max<std::int64_t>(1, slots)), inbox_(std::move(inbox)) {}
  ~ThreadRunner() override { shutdown(); }

  std::int64_t slots() const override { return slots_; }

  Status start(Task task) override {
    {
      std::lock_guard lock(mutex_);
      if (stopped_) return Status(StatusCode::kCancelled, "the runner has been shut down");
      auto cancel = std::make_shared<std::atomic<bool>>(false);
      if (!attempts_.emplace(task.attempt, cancel).second) {
        return Status::internal("attempt " + task.attempt + " was started twice");
      }
      queue_.push_back({std::move(task), std::move(cancel)});
    }
    added_.notify_one();
    return grow();
  }

  void cancel(const std::string& attempt) override {
    std::lock_guard lock(mutex_);
    const auto found = attempts_.find(attempt);
    if (found != attempts_.end()) found->second->store(true);
  }

  std::vector<RunnerEvent> wait(std::chrono::nanoseconds timeout) override { return inbox_->wait(timeout); }
  void wake() override { inbox_->wake(); }

  void shutdown() override {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
      queue_.clear();
      for (auto& [name, cancel] : attempts_) cancel->store(true);
    }
    added_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  struct Job {
    Task task;
    std::shared_ptr<std::atomic<bool>> cancel;
  };

  /// One more thread while there are fewer than slots and more work than idle threads.
  Status grow() {
    std::unique_lock lock(mutex_);
    if (idle_ >= static_cast<std::int64_t>(queue_.size()) || std::ssize(threads_) >= slots_) return {};
    lock.unlock();
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::exception& error) {
      // With fewer threads than asked for the work still gets done.
      if (threads_.empty()) {
        lock.lock();
        attempts_.erase(queue_.back().task.attempt);
        queue_.pop_back();
        return Status(StatusCode::kUnavailable, std::string("no thread can be started: ") + error.what());
      }
    }
    return {};
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      added_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
      --idle_;
      if (stopped_) return;
      const Job job = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      RunnerEvent event;
      event.result = job.cancel->load()
                         ? failed_result(job.task, Status(StatusCode::kCancelled, "the task was cancelled"))
                         : run_guarded(run_, job.task, *job.cancel);
      lock.lock();
      attempts_.erase(job.task.attempt);
      if (stopped_) return;
      lock.unlock();
      inbox_->push(std::move(event));
      lock.lock();
    }
  }

  const RunTask run_;
  const std::int64_t slots_;
  const std::shared_ptr<Inbox> inbox_;
  std::vector<std::thread> threads_;  // Touched by the driver's thread only.

  std::mutex mutex_;
  std::condition_variable added_;
  std::deque<Job> queue_;
  std::unordered_map<std::string, std::shared_ptr<std::atomic<bool>>> attempts_;
  std::int64_t idle_ = 0;
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<Runner> make_thread_runner(RunTask run, std::int64_t slots, std::shared_ptr<Inbox> inbox) {
  if (!inbox) inbox = std::make_shared<Inbox>();
  return std::make_unique<ThreadRunner>(std::move(run), slots, std::move(inbox));
}

}  // namespace millpond
