#pragma once

#include <atomic>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
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

  std::int64_t slots() const override;
  std::vector<RunnerPlace> places() override;
  /// At any place.
  Status start(Task task) override { return start_at(kAnyPlace, std::move(task)); }
  Status start_at(std::int64_t node, Task task) override;
  void cancel(const std::string& attempt) override;
  std::vector<RunnerEvent> wait(std::chrono::nanoseconds timeout) override { return inbox_->wait(timeout); }
  void wake() override { inbox_->wake(); }
  void shutdown() override;

 private:
  using State = WorkerProcess::State;
  using Time = WorkerProcess::Time;

  static constexpr std::int64_t kAnyPlace = -1;
  struct Order {
    Task task;
    std::int64_t node = kAnyPlace;
  };

  void poke();
  Status accept(Order order);

  // All below are the supervising thread's.
  void supervise();
  bool take_orders(Time now);
  void assign(Time now);
  void grow(Time now);
  Status start_worker(WorkerShare share, Time now);
  /// The place of an order; null when it is gone.
  const RunnerPlace* place_of(const Order& order) const;
  void follow_places();
  void forsake(std::int64_t node);
  /// What a worker needs for the task: at least what each of so many workers has.
  WorkerShare share_for(const Task& task, const RunnerPlace& place) const;
  WorkerProcess* idle_for(const Order& order);
  /// Whether there is room for a worker; if not, an idle one is asked to make room.
  bool make_room(const RunnerPlace& place, WorkerShare& share, Time now);
  void wait_for_something();
  void listen(WorkerProcess& worker, Time now);
  void take_message(WorkerProcess& worker, WorkerMessage message, Time now);
  std::string store_settings() const { return options_.store_settings ? options_.store_settings() : std::string(); }
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
  std::deque<Order> orders_;
  std::vector<std::string> cancels_;
  std::unordered_set<std::string> attempts_;
  Status broken_;
  bool stopping_ = false;

  std::mutex forsaken_mutex_;
  std::set<std::int64_t> forsaken_;  ///< Places where no worker could be started.

  std::deque<Order> pending_;
  std::list<WorkerProcess> workers_;
  std::vector<RunnerPlace> places_;                  ///< As of the last round.
  std::int64_t last_number_ = 0;
  std::map<std::int64_t, std::int64_t> failed_starts_;  ///< In a row, by place.
  std::int64_t memory_kills_ = 0;   ///< By the kernel, when last looked.
  Time last_round_;
  Time next_start_;                 ///< Not before; starting failed lately.
  std::thread supervisor_;
};

}  // namespace millpond
