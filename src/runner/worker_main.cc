#include "runner/worker_main.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/attempt_guard.h"
#include "runner/frame.h"
#include "runner/worker_message.h"

namespace millpond {
namespace {

using Steady = std::chrono::steady_clock;
using Type = WorkerMessage::Type;
using Welcomed = std::function<Status(const std::string& store_settings)>;

// How long a running task has to obey once the driver wants or has no more.
constexpr std::chrono::seconds kObey{2};

class Worker {
 public:
  Worker(int fd, WorkerInfo info, RunTask run, Welcomed welcomed)
      : fd_(fd), info_(std::move(info)), run_(std::move(run)), welcomed_(std::move(welcomed)) {}

  int run() {
    if (!greet()) return 1;
    std::thread listener([this] { listen(); });
    while (std::optional<WorkerMessage> message = next()) work(*message);
    {
      std::lock_guard lock(mutex_);
      idle_for_good_ = true;
    }
    changed_.notify_all();
    listener.join();
    return orderly_ ? 0 : 1;
  }

 private:
  bool greet() {
    WorkerMessage hello;
    hello.type = Type::kHello;
    hello.info = info_;
    hello.pid = ::getpid();
    if (!send(hello)) return false;
    while (true) {
      if (!receive()) return false;
      Result<std::optional<std::string>> payload = reader_.next();
      if (!payload.is_ok()) return false;
      if (!*payload) continue;
      const Result<WorkerMessage> answer = decode_message(**payload);
      if (!answer.is_ok() || answer->type != Type::kWelcome) return false;
      heartbeat_ = std::chrono::milliseconds(std::clamp<std::int64_t>(answer->heartbeat_ms, 1, 60000));
      return !welcomed_ || welcomed_(answer->store_settings).is_ok();
    }
  }

  bool send(const WorkerMessage& message) {
    const Result<std::string> frame = encode_message(message);
    if (!frame.is_ok()) return false;
    std::lock_guard lock(send_mutex_);
    return send_all(fd_, *frame).is_ok();
  }

  /// Waits for bytes; false when there will be none.
  bool receive() {
    char bytes[65536];
    const ssize_t size = ::recv(fd_, bytes, sizeof(bytes), 0);
    if (size < 0 && errno == EINTR) return true;
    if (size <= 0) return false;
    reader_.add(bytes, static_cast<std::size_t>(size));
    return true;
  }

  /// The listener's thread: messages in, heartbeats out, until the driver says shutdown or is gone.
  void listen() {
    auto due = Steady::now() + heartbeat_;
    bool go_on = take_messages();
    while (go_on) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Steady::now()).count();
      pollfd ready{fd_, POLLIN, 0};
      const int count = ::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
      if (count > 0) go_on = receive() && take_messages();
      if (go_on && Steady::now() >= due) {
        go_on = send(WorkerMessage{});
        due = Steady::now() + heartbeat_;
      }
    }
    std::unique_lock lock(mutex_);
    stopping_ = true;
    cancel_.store(true);
    changed_.notify_all();
    if (!changed_.wait_for(lock, kObey, [this] { return idle_for_good_; })) ::_exit(1);
  }

  /// False when it is time to end.
  bool take_messages() {
    while (true) {
      Result<std::optional<std::string>> payload = reader_.next();
      if (!payload.is_ok()) return false;
      if (!*payload) return true;
      Result<WorkerMessage> message = decode_message(**payload);
      if (!message.is_ok()) return false;
      // Other settings than before; it was welcomed already.
      if (message->type == Type::kWelcome && welcomed_ && !welcomed_(message->store_settings).is_ok()) return false;
      std::lock_guard lock(mutex_);
      if (message->type == Type::kShutdown) {
        orderly_ = true;
        return false;
      }
      if (message->type == Type::kRun) {
        queue_.push_back(std::move(*message));
        changed_.notify_all();
      }
      if (message->type == Type::kCancel) cancel_attempt(message->attempt);
    }
  }

  void cancel_attempt(const std::string& attempt) {
    if (attempt == current_) cancel_.store(true);
    for (WorkerMessage& queued : queue_) {
      if (queued.attempt != attempt) continue;
      queued.status = Status(StatusCode::kCancelled, "the task was cancelled");
    }
  }

  std::optional<WorkerMessage> next() {
    std::unique_lock lock(mutex_);
    current_.clear();
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return std::nullopt;
    WorkerMessage message = std::move(queue_.front());
    queue_.pop_front();
    current_ = message.attempt;
    cancel_.store(false);
    return message;
  }

  void work(const WorkerMessage& message) {
    WorkerMessage reply;
    reply.type = Type::kResult;
    reply.attempt = message.attempt;
    if (!message.status.is_ok()) {
      reply.result = failed_result(message.task.value_or(Task()), message.status);
    } else {
      reply.result = run_guarded(run_, *message.task, cancel_);
    }
    reply.result->metrics.worker = std::to_string(::getpid());
    const Result<std::string> frame = encode_message(reply);
    if (!frame.is_ok()) reply.result = failed_result(*message.task, frame.status());
    (void)send(reply);
  }

  const int fd_;
  const WorkerInfo info_;
  const RunTask run_;
  const Welcomed welcomed_;
  std::chrono::milliseconds heartbeat_{1000};
  FrameReader reader_;  // Of the caller's thread until the listener starts, then of the listener.
  std::mutex send_mutex_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<WorkerMessage> queue_;
  std::string current_;
  bool stopping_ = false;
  bool idle_for_good_ = false;
  bool orderly_ = false;
  std::atomic<bool> cancel_ = false;
};

}  // namespace

int worker_main(int fd, const WorkerInfo& info, RunTask run, const Welcomed& welcomed) {
  const rlimit no_core{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &no_core);
  // The socket's end says the same, but not to a process that is stopped. If the driver died before this line,
  // the socket is at its end already.
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return Worker(fd, info, std::move(run), welcomed).run();
}

}  // namespace millpond
