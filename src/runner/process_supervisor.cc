#include <algorithm>
#include <string>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include "runner/attempt_guard.h"
#include "runner/process_pool.h"

namespace millpond {
namespace {

using Type = WorkerMessage::Type;

constexpr int kMaxFailedStarts = 3;
// Something outside killed them: the way of starting workers may be good.
constexpr int kMaxKilledStarts = 10;
constexpr std::size_t kLogTail = 2000;
// How often children are looked at that give no sign by their socket, and how often ones that are about to end.
constexpr std::chrono::milliseconds kRound{200};
constexpr std::chrono::milliseconds kShortRound{2};
// Idle workers end in this time; busy ones have no say any more.
constexpr std::chrono::milliseconds kFarewell{1000};

std::string seconds_text(std::chrono::milliseconds time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

}  // namespace

std::int64_t ProcessPool::count(State state) const {
  return std::count_if(workers_.begin(), workers_.end(),
                       [state](const WorkerProcess& worker) { return worker.state() == state; });
}

void ProcessPool::supervise() {
  memory_kills_ = kernel_memory_kills();
  last_round_ = WorkerProcess::Clock::now();
  while (true) {
    Time now = WorkerProcess::Clock::now();
    if (!take_orders(now)) break;
    assign(now);
    grow(now);
    wait_for_something();
    now = WorkerProcess::Clock::now();
    // Signs of life wait in the sockets while the driver is stopped: read first, and judge by the next round.
    const bool was_stopped = now - last_round_ > std::max(options_.silence / 2, kRound * 2);
    last_round_ = now;
    for (WorkerProcess& worker : workers_) {
      if (was_stopped) worker.forgive_silence(now);
      listen(worker, now);
      check_times(worker, now);
    }
    std::erase_if(workers_, [](const WorkerProcess& worker) { return worker.state() == State::kEnded; });
  }
  end_all();
}

/// False when the pool shuts down.
bool ProcessPool::take_orders(Time now) {
  std::vector<std::string> cancels;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return false;
    for (Task& task : orders_) pending_.push_back(std::move(task));
    orders_.clear();
    cancels.swap(cancels_);
  }
  for (const std::string& attempt : cancels) {
    for (WorkerProcess& worker : workers_) {
      if (worker.task() && worker.task()->attempt == attempt) worker.cancel(now);
    }
    const auto queued =
        std::find_if(pending_.begin(), pending_.end(), [&](const Task& task) { return task.attempt == attempt; });
    if (queued == pending_.end()) continue;
    report(failed_result(*queued, Status(StatusCode::kCancelled, "the task was cancelled")));
    pending_.erase(queued);
  }
  return true;
}

void ProcessPool::assign(Time now) {
  for (WorkerProcess& worker : workers_) {
    while (worker.state() == State::kIdle && !pending_.empty()) {
      Task task = std::move(pending_.front());
      pending_.pop_front();
      const Status sent = worker.run(task, now);
      if (!sent.is_ok()) report(failed_result(task, sent));
    }
  }
}

/// Starts workers for what waits, and in the place of those that died.
void ProcessPool::grow(Time now) {
  if (now < next_start_) return;
  auto wanted = static_cast<std::int64_t>(pending_.size()) - count(State::kStarting);
  auto room = slots() - static_cast<std::int64_t>(workers_.size());
  while (wanted-- > 0 && room-- > 0 && start_worker(now)) {
  }
}

bool ProcessPool::start_worker(Time now) {
  const std::int64_t number = ++last_number_;
  const bool has_log = !options_.log_directory.empty() && !options_.launcher;
  const std::string log = has_log ? options_.log_directory + "/worker-" + std::to_string(number) + ".log" : "";
  Result<StartedWorker> worker =
      options_.launcher ? start_remote_worker(options_.launcher, number) : start_child_worker(options_.command, log);
  if (worker.is_ok()) {
    workers_.emplace_back(std::move(*worker), number, log, now);
    return true;
  }
  // With fewer processes than asked for the work still gets done.
  next_start_ = now + kRound;
  if (workers_.empty()) break_down(worker.status());
  return false;
}

void ProcessPool::wait_for_something() {
  std::vector<pollfd> fds;
  fds.push_back({wake_fd_, POLLIN, 0});
  auto timeout = std::min(kRound, options_.silence / 4 + std::chrono::milliseconds(1));
  for (const WorkerProcess& worker : workers_) {
    if (worker.state() == State::kEnding) timeout = kShortRound;
    if (worker.fd() < 0) continue;
    fds.push_back({worker.fd(), static_cast<short>(worker.wants_to_write() ? POLLIN | POLLOUT : POLLIN), 0});
  }
  if (workers_.empty() && pending_.empty()) timeout = std::chrono::milliseconds(-1);
  const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(timeout.count()));
  if (ready > 0 && fds[0].revents != 0) {
    std::uint64_t times = 0;
    [[maybe_unused]] const ssize_t size = ::read(wake_fd_, &times, sizeof(times));
  }
  // Nothing to do is no pause.
  if (workers_.empty()) last_round_ = WorkerProcess::Clock::now();
}

void ProcessPool::listen(WorkerProcess& worker, Time now) {
  worker.flush(now);
  for (WorkerMessage& message : worker.read(now)) take_message(worker, std::move(message), now);
  worker.check_end(now);
  if (worker.state() != State::kEnded) return;
  // It may have said something between our reading and its end; a result that arrived counts.
  for (WorkerMessage& message : worker.read(now)) take_message(worker, std::move(message), now);
  const bool was_cancelled = worker.cancelled_at().has_value();
  bury(worker, worker.take_task(), was_cancelled, now);
}

void ProcessPool::take_message(WorkerProcess& worker, WorkerMessage message, Time now) {
  switch (message.type) {
    case Type::kHello:
      return take_hello(worker, message, now);
    case Type::kHeartbeat:
      return;
    case Type::kResult: {
      if (!worker.task() || worker.task()->attempt != message.attempt) return;
      const Task task = *worker.take_task();
      if (!message.result) return report(failed_result(task, message.status));
      message.result->task = task.id;
      message.result->attempt = task.attempt;
      return report(std::move(*message.result));
    }
    default:
      worker.kill("sent a message that only the driver may send and was stopped", now);
  }
}

void ProcessPool::take_hello(WorkerProcess& worker, const WorkerMessage& hello, Time now) {
  if (worker.state() != State::kStarting) return;  // It said so and ended at once.
  const Status match = check_worker(options_.info, hello.info);
  if (match.is_ok()) {
    failed_starts_ = 0;
    return worker.welcome(options_.heartbeat, options_.store_settings, now);
  }
  WorkerMessage refusal;
  refusal.type = Type::kRefuse;
  refusal.status = match;
  (void)worker.send(refusal, now);
  worker.kill("was refused: " + match.message(), now);
  break_down(match);
}

void ProcessPool::check_times(WorkerProcess& worker, Time now) {
  const auto silent = now - worker.last_heard();
  if (worker.state() == State::kStarting && silent > options_.start_timeout) {
    worker.kill("did not say hello within " + seconds_text(options_.start_timeout) + " and was killed", now);
  }
  if ((worker.state() == State::kIdle || worker.state() == State::kBusy) && silent > options_.silence) {
    worker.kill("said nothing for " + seconds_text(options_.silence) + " and was killed", now);
  }
  if (worker.state() == State::kBusy && worker.cancelled_at() &&
      now - *worker.cancelled_at() > options_.cancel_grace) {
    worker.kill("did not stop its cancelled task and was killed", now);
  }
}

/// A worker has ended: its task failed, and perhaps the way of starting workers is no good.
void ProcessPool::bury(const WorkerProcess& worker, std::optional<Task> task, bool was_cancelled, Time now) {
  const std::string log = file_tail(worker.log_path(), kLogTail);
  const std::string hint = worker.log_path().empty() ? "" : "its output is in " + worker.log_path();
  ErrorContext context;
  if (!log.empty()) context.detail = "the end of its output:\n" + log;
  if (!worker.said_hello()) {
    const bool alone = count(State::kIdle) + count(State::kBusy) == 0;
    next_start_ = now + kRound * ++failed_starts_;
    if (failed_starts_ < (worker.was_sigkilled() ? kMaxKilledStarts : kMaxFailedStarts) || !alone) return;
    return break_down(Status(StatusCode::kUnavailable, worker.obituary() + " before it was ready", hint)
                          .with_context(context));
  }
  if (!task) return;
  const std::int64_t kills = kernel_memory_kills();
  const bool out_of_memory = worker.was_sigkilled() && kills > std::exchange(memory_kills_, kills);
  Status status(StatusCode::kUnavailable, worker.obituary(), hint);
  if (was_cancelled) status = Status(StatusCode::kCancelled, "the task was cancelled");
  if (!was_cancelled && out_of_memory) {
    status = Status(StatusCode::kOutOfMemory, worker.obituary() + " when the machine's memory was used up",
                    "set memory_limit lower, or use more partitions");
  }
  report(failed_result(*task, status.with_context(context)), !was_cancelled);
  // The next task will be here at once; a worker takes its time to start.
  const auto alive = static_cast<std::int64_t>(workers_.size()) - count(State::kEnded);
  if (alive < slots()) (void)start_worker(now);
}

void ProcessPool::end_all() {
  const Time begin = WorkerProcess::Clock::now();
  WorkerMessage farewell;
  farewell.type = Type::kShutdown;
  for (WorkerProcess& worker : workers_) {
    const bool ready = worker.state() == State::kIdle || worker.state() == State::kBusy;
    if (!ready || !worker.send(farewell, begin).is_ok()) worker.kill("was not needed any more", begin);
  }
  while (!workers_.empty()) {
    const Time now = WorkerProcess::Clock::now();
    for (WorkerProcess& worker : workers_) {
      worker.flush(now);
      (void)worker.read(now);
      worker.check_end(now);
      if (now - begin > kFarewell) worker.kill("did not end by itself", now);
    }
    std::erase_if(workers_, [](const WorkerProcess& worker) { return worker.state() == State::kEnded; });
    // After this the destructor of each kills and waits.
    if (now - begin > kFarewell * 2) workers_.clear();
    if (!workers_.empty()) ::poll(nullptr, 0, 2);
  }
}

}  // namespace millpond
