#include "runner/worker_process.h"

#include <cerrno>
#include <thread>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

namespace millpond {
namespace {

constexpr std::chrono::milliseconds kTimeToExit{500};

}  // namespace

WorkerProcess::WorkerProcess(StartedWorker started, std::int64_t number, WorkerShare share, std::string log_path, Time now)
    : body_(std::move(started.body)),
      fd_(started.fd),
      number_(number),
      share_(std::move(share)),
      log_path_(std::move(log_path)),
      last_heard_(now),
      ending_since_(now) {}

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : body_(std::move(other.body_)),
      fd_(std::exchange(other.fd_, -1)),
      number_(other.number_),
      share_(std::move(other.share_)),
      log_path_(std::move(other.log_path_)),
      state_(std::exchange(other.state_, State::kEnded)),
      incoming_(std::move(other.incoming_)),
      outgoing_(std::move(other.outgoing_)),
      sent_(other.sent_),
      last_heard_(other.last_heard_),
      ending_since_(other.ending_since_),
      said_hello_(other.said_hello_),
      task_(std::move(other.task_)),
      cancelled_at_(other.cancelled_at_),
      why_(std::move(other.why_)),
      end_(std::move(other.end_)) {}

WorkerProcess::~WorkerProcess() {
  if (fd_ >= 0) ::close(fd_);
  if (state_ == State::kEnded) return;
  body_->kill();
  // A killed process ends in milliseconds, unless the kernel holds it in a system call; then init inherits the corpse.
  for (int i = 0; i < 500 && !body_->poll(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

std::vector<WorkerMessage> WorkerProcess::read(Time now) {
  std::vector<WorkerMessage> messages;
  char bytes[65536];
  while (fd_ >= 0) {
    const ssize_t size = ::recv(fd_, bytes, sizeof(bytes), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (size <= 0) {
      begin_end(now);
      break;
    }
    last_heard_ = now;
    incoming_.add(bytes, static_cast<std::size_t>(size));
  }
  while (true) {
    Result<std::optional<std::string>> payload = incoming_.next();
    if (payload.is_ok() && !*payload) return messages;
    Result<WorkerMessage> message = payload.is_ok() ? decode_message(**payload) : payload.status();
    if (!message.is_ok()) {
      kill("sent something that is no message and was stopped", now);
      return messages;
    }
    messages.push_back(std::move(*message));
  }
}

void WorkerProcess::flush(Time now) {
  while (wants_to_write() && fd_ >= 0) {
    const ssize_t sent = ::send(fd_, outgoing_.data() + sent_, outgoing_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (sent < 0) return begin_end(now);
    sent_ += static_cast<std::size_t>(sent);
  }
  outgoing_.clear();
  sent_ = 0;
}

Status WorkerProcess::send(const WorkerMessage& message, Time now) {
  MILLPOND_ASSIGN_OR_RETURN(const std::string frame, encode_message(message));
  outgoing_ += frame;
  flush(now);
  return {};
}

void WorkerProcess::welcome(std::chrono::milliseconds heartbeat, const std::string& store_settings, Time now) {
  said_hello_ = true;
  state_ = State::kIdle;
  WorkerMessage message;
  message.type = WorkerMessage::Type::kWelcome;
  message.heartbeat_ms = heartbeat.count();
  message.store_settings = store_settings;
  told_settings_ = store_settings;
  (void)send(message, now);  // Small: it can't be too large, and a closed socket is noticed by itself.
}

void WorkerProcess::renew(std::chrono::milliseconds heartbeat, const std::string& store_settings, Time now) {
  if (store_settings != told_settings_) welcome(heartbeat, store_settings, now);
}

Status WorkerProcess::run(Task task, Time now) {
  WorkerMessage message;
  message.type = WorkerMessage::Type::kRun;
  message.attempt = task.attempt;
  message.task = task;
  MILLPOND_ASSIGN_OR_RETURN(const std::string frame, encode_message(message));
  task_ = std::move(task);
  cancelled_at_.reset();
  state_ = State::kBusy;
  outgoing_ += frame;
  flush(now);
  return {};
}

std::optional<Task> WorkerProcess::take_task() {
  if (state_ == State::kBusy) state_ = State::kIdle;
  cancelled_at_.reset();
  return std::exchange(task_, std::nullopt);
}

void WorkerProcess::cancel(Time now) {
  if (!task_ || cancelled_at_) return;
  cancelled_at_ = now;
  WorkerMessage message;
  message.type = WorkerMessage::Type::kCancel;
  message.attempt = task_->attempt;
  if (state_ == State::kBusy) (void)send(message, now);
}

void WorkerProcess::begin_end(Time now) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  outgoing_.clear();
  sent_ = 0;
  if (state_ == State::kEnding || state_ == State::kEnded) return;
  state_ = State::kEnding;
  ending_since_ = now;
}

void WorkerProcess::dismiss(Time now) {
  WorkerMessage farewell;
  farewell.type = WorkerMessage::Type::kShutdown;
  (void)send(farewell, now);  // Small; and one that doesn't get it is killed soon.
  state_ = State::kEnding;
  ending_since_ = now;
}

void WorkerProcess::kill(std::string why, Time now) {
  if (state_ == State::kEnded) return;
  if (why_.empty()) why_ = std::move(why);
  body_->kill();
  begin_end(now);
}

void WorkerProcess::check_end(Time now) {
  if (state_ == State::kEnded) return;
  const std::optional<ChildEnd> end = body_->poll();
  if (!end) {
    if (state_ == State::kEnding && now - ending_since_ > kTimeToExit) {
      kill("closed its socket without ending and was killed", now);
    }
    return;
  }
  body_->bury();
  end_ = *end;
  state_ = State::kEnded;
}

std::string WorkerProcess::obituary() const {
  return "worker " + std::to_string(number_) + " " + (why_.empty() ? end_.how : why_);
}

}  // namespace millpond
