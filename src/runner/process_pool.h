#pragma once

#include <atomic>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "runner/process_runner.h"
#include "runner/worker_process.h"

namespace millpond {

/// The process runner: the driver's thread hands tasks over, a supervising thread owns the workers. Workers ask to be
/// killed with the thread that started them, so that thread lives as long as the pool.
class ProcessPool final : public Runner {
 public:
  ProcessPool(ProcessRunnerOptions options, std::shared_ptr<Inbox> inbox, int wake_fd);
  ~ProcessPool() override;

  std::int64_t slots() const override { return options_.launcher ? options_.launcher->slots() : options_.slots; }
  Status start(Task task) override;
  void cancel(const std::string& attempt) override;
  std::vector<RunnerEvent> wait(std::chrono::nanoseconds timeout) override { return inbox_->wait(timeout); }
  void wake() override { inbox_->wake(); }
  void shutdown() override;

 private:
  using State = WorkerProcess::State;
  using Time = WorkerProcess::Time;

  void poke();

  // All below are the supervising thread's.
  void supervise();
  bool take_orders(Time now);
  void assign(Time now);
  void grow(Time now);
  bool start_worker(Time now);
  void wait_for_something();
  void listen(WorkerProcess& worker, Time now);
  void take_message(WorkerProcess& worker, WorkerMessage message, Time now);
  void take_hello(WorkerProcess& worker, const WorkerMessage& hello, Time now);
  void check_times(WorkerProcess& worker, Time now);
  void bury(const WorkerProcess& worker, std::optional<Task> task, bool was_cancelled, Time now);
  void break_down(Status why);
  void report(TaskResult result, bool worker_died = false);
  void end_all();
  std::int64_t count(State state) const;

  const ProcessRunnerOptions options_;
  const std::shared_ptr<Inbox> inbox_;
  const int wake_fd_;  ///< An eventfd that ends the supervisor's poll.

  std::mutex mutex_;   ///< Guards these five.
  std::deque<Task> orders_;
  std::vector<std::string> cancels_;
  std::unordered_set<std::string> attempts_;
  Status broken_;
  bool stopping_ = false;

  std::deque<Task> pending_;
  std::list<WorkerProcess> workers_;
  std::int64_t last_number_ = 0;
  std::int64_t failed_starts_ = 0;  ///< In a row.
  std::int64_t memory_kills_ = 0;   ///< By the kernel, when last looked.
  Time last_round_;
  Time next_start_;                 ///< Not before; starting failed lately.
  std::thread supervisor_;
};

}  // namespace millpond
