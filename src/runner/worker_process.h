#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/frame.h"
#include "runner/worker_body.h"
#include "runner/worker_message.h"

namespace millpond {

/// The driver's side of one worker process. Used by one thread, which also started it.
class WorkerProcess {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;
  enum class State {
    kStarting,  ///< Has not said hello.
    kIdle,
    kBusy,      ///< Has a task.
    kEnding,    ///< Its socket is closed or it was killed; waits for its exit.
    kEnded,
  };

  WorkerProcess(StartedWorker started, std::int64_t number, WorkerShare share, std::string log_path, Time now);
  WorkerProcess(WorkerProcess&& other) noexcept;
  WorkerProcess& operator=(WorkerProcess&&) = delete;
  /// Kills the process if it still runs.
  ~WorkerProcess();

  State state() const { return state_; }
  std::int64_t number() const { return number_; }
  /// What it may use, and where.
  const WorkerShare& share() const { return share_; }
  int fd() const { return fd_; }
  /// Whether its socket had something at the last look.
  bool has_news() const { return has_news_; }
  void set_news(bool has_news) { has_news_ = has_news; }
  bool wants_to_write() const { return sent_ < outgoing_.size(); }
  Time last_heard() const { return last_heard_; }
  /// After a pause of the driver its silence proves nothing.
  void forgive_silence(Time now) { last_heard_ = now; }
  bool said_hello() const { return said_hello_; }
  const std::string& log_path() const { return log_path_; }

  /// Reads what is there. Messages until the socket is at its end or garbage comes, after which the state is kEnding.
  std::vector<WorkerMessage> read(Time now);
  /// Sends as much of what is queued as the socket takes.
  void flush(Time now);
  Status send(const WorkerMessage& message, Time now);

  void welcome(std::chrono::milliseconds heartbeat, const std::string& store_settings, Time now);
  /// Tells an idle worker settings other than those that it knows.
  void renew(std::chrono::milliseconds heartbeat, const std::string& store_settings, Time now);
  /// kInvalidArgument when the task is too large to send; the worker stays idle then.
  Status run(Task task, Time now);
  /// Its task, which is no longer the worker's.
  std::optional<Task> take_task();
  const std::optional<Task>& task() const { return task_; }
  void cancel(Time now);
  std::optional<Time> cancelled_at() const { return cancelled_at_; }

  /// Asks an idle one to end.
  void dismiss(Time now);
  /// Kills it; `why` is how its end will be told.
  void kill(std::string why, Time now);
  /// Sees whether it ended; read() may still give its last words then. One that closed its socket and doesn't end within
  /// half a second is killed.
  void check_end(Time now);
  /// "worker 3 was killed by signal 9 (SIGKILL)". Once ended.
  std::string obituary() const;
  bool was_sigkilled() const { return end_.signal == 9 && why_.empty(); }
  bool was_out_of_memory() const { return end_.out_of_memory && why_.empty(); }

 private:
  void begin_end(Time now);

  std::unique_ptr<WorkerBody> body_;
  int fd_ = -1;
  std::int64_t number_ = 0;
  WorkerShare share_;
  std::string log_path_;
  State state_ = State::kStarting;
  FrameReader incoming_;
  std::string outgoing_;
  std::size_t sent_ = 0;  ///< Of outgoing_.
  Time last_heard_;
  Time ending_since_;
  bool said_hello_ = false;
  bool has_news_ = false;
  std::optional<Task> task_;
  std::string told_settings_;
  std::optional<Time> cancelled_at_;
  std::string why_;
  ChildEnd end_;
};

}  // namespace millpond
