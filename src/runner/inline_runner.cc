#include "runner/inline_runner.h"

#include <deque>
#include <utility>

#include "runner/attempt_guard.h"

namespace millpond {
namespace {

class InlineRunner final : public Runner {
 public:
  InlineRunner(RunTask run, std::shared_ptr<Inbox> inbox) : run_(std::move(run)), inbox_(std::move(inbox)) {}

  std::int64_t slots() const override { return 1; }

  Status start(Task task) override {
    if (stopped_) return Status(StatusCode::kCancelled, "the runner has been shut down");
    for (const Task& other : tasks_) {
      if (other.attempt == task.attempt) return Status::internal("attempt " + task.attempt + " was started twice");
    }
    tasks_.push_back(std::move(task));
    return {};
  }

  void cancel(const std::string& attempt) override {
    for (auto task = tasks_.begin(); task != tasks_.end(); ++task) {
      if (task->attempt != attempt) continue;
      inbox_->push({failed_result(*task, Status(StatusCode::kCancelled, "the task was cancelled")), false});
      tasks_.erase(task);
      return;
    }
  }

  std::vector<RunnerEvent> wait(std::chrono::nanoseconds timeout) override {
    // What has ended already is told first: the driver may want to cancel the rest.
    std::vector<RunnerEvent> events = inbox_->wait(tasks_.empty() ? timeout : std::chrono::nanoseconds(0));
    if (!events.empty() || tasks_.empty()) return events;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    inbox_->push({run_guarded(run_, task, cancel_), false});
    return inbox_->wait(std::chrono::nanoseconds(0));
  }

  void wake() override { inbox_->wake(); }

  void shutdown() override {
    stopped_ = true;
    tasks_.clear();
  }

 private:
  const RunTask run_;
  const std::shared_ptr<Inbox> inbox_;
  std::deque<Task> tasks_;
  const std::atomic<bool> cancel_ = false;
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<Runner> make_inline_runner(RunTask run, std::shared_ptr<Inbox> inbox) {
  if (!inbox) inbox = std::make_shared<Inbox>();
  return std::make_unique<InlineRunner>(std::move(run), std::move(inbox));
}

}  // namespace millpond
