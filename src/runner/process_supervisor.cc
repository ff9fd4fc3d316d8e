#include <algorithm>
#include <string>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include "runner/attempt_guard.h"
#include "runner/process_places.h"
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
  follow_places();
  Time next_look = last_round_ + kRound;
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
    // Those that gave no sign are looked at now and then only: with many, asking each takes longer than the messages.
    const bool is_look = now >= next_look || was_stopped;
    if (is_look) {
      next_look = now + kRound;
      follow_places();
    }
    for (WorkerProcess& worker : workers_) {
      if (was_stopped) worker.forgive_silence(now);
      if (!is_look && !worker.has_news() && worker.state() != State::kEnding) continue;
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
    for (Order& order : orders_) pending_.push_back(std::move(order));
    orders_.clear();
    cancels.swap(cancels_);
  }
  const bool is_new = std::any_of(pending_.begin(), pending_.end(), [this](const Order& order) { return place_of(order) == nullptr; });
  if (is_new) follow_places();
  for (const std::string& attempt : cancels) {
    for (WorkerProcess& worker : workers_) {
      if (worker.task() && worker.task()->attempt == attempt) worker.cancel(now);
    }
    const auto queued =
        std::find_if(pending_.begin(), pending_.end(), [&](const Order& order) { return order.task.attempt == attempt; });
    if (queued == pending_.end()) continue;
    report(failed_result(queued->task, Status(StatusCode::kCancelled, "the task was cancelled")));
    pending_.erase(queued);
  }
  return true;
}

void ProcessPool::assign(Time now) {
  std::int64_t idle = count(State::kIdle);
  for (auto order = pending_.begin(); order != pending_.end() && idle > 0;) {
    WorkerProcess* worker = idle_for(*order);
    if (worker == nullptr) {
      ++order;
      continue;
    }
    worker->renew(options_.heartbeat, store_settings(), now);
    const Status sent = worker->run(order->task, now);
    if (sent.is_ok()) {
      --idle;
    } else {
      report(failed_result(order->task, sent));
    }
    order = pending_.erase(order);
  }
}

/// Starts workers for what waits, and in the place of those that died.
void ProcessPool::grow(Time now) {
  if (now < next_start_ || pending_.empty()) return;
  std::vector<WorkerShare> starting;
  for (const WorkerProcess& worker : workers_) {
    if (worker.state() == State::kStarting) starting.push_back(worker.share());
  }
  for (auto order = pending_.begin(); order != pending_.end();) {
    const RunnerPlace* place = place_of(*order);
    if (place == nullptr) {
      report(failed_result(order->task, Status(StatusCode::kUnavailable, "the machine of its worker is gone")), true);
      order = pending_.erase(order);
      continue;
    }
    WorkerShare share = share_for((order++)->task, *place);
    const auto same = std::find_if(starting.begin(), starting.end(), [&](const WorkerShare& one) {
      return one.node == share.node && one.memory_bytes == share.memory_bytes && one.gpus == share.gpus;
    });
    if (same != starting.end()) {
      starting.erase(same);
      continue;
    }
    if (!make_room(*place, share, now)) continue;
    const std::int64_t node = share.node;
    const Status started = start_worker(std::move(share), now);
    if (started.is_ok()) continue;
    // With fewer processes than asked for the work still gets done; and a machine may just have gone.
    next_start_ = now + kRound;
    follow_places();
    if (workers_.empty() && places_.size() == 1 && places_.front().node == node) break_down(started);
    return;
  }
}

Status ProcessPool::start_worker(WorkerShare share, Time now) {
  const std::int64_t number = ++last_number_;
  if (options_.launcher) {
    MILLPOND_ASSIGN_OR_RETURN(StartedWorker worker, start_remote_worker(options_.launcher, number, share));
    workers_.emplace_back(std::move(worker), number, std::move(share), "", now);
    return {};
  }
  const bool has_log = !options_.log_directory.empty();
  const std::string log = has_log ? options_.log_directory + "/worker-" + std::to_string(number) + ".log" : "";
  MILLPOND_ASSIGN_OR_RETURN(StartedWorker worker, start_child_worker(command_with(options_, share), log));
  workers_.emplace_back(std::move(worker), number, std::move(share), log, now);
  return {};
}

void ProcessPool::wait_for_something() {
  std::vector<pollfd> fds;
  fds.push_back({wake_fd_, POLLIN, 0});
  auto timeout = std::min(kRound, options_.silence / 4 + std::chrono::milliseconds(1));
  std::vector<WorkerProcess*> listening;
  for (WorkerProcess& worker : workers_) {
    worker.set_news(false);
    if (worker.state() == State::kEnding) timeout = kShortRound;
    if (worker.fd() < 0) continue;
    listening.push_back(&worker);
    fds.push_back({worker.fd(), static_cast<short>(worker.wants_to_write() ? POLLIN | POLLOUT : POLLIN), 0});
  }
  if (workers_.empty() && pending_.empty()) timeout = std::chrono::milliseconds(-1);
  const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(timeout.count()));
  for (std::size_t i = 0; ready > 0 && i < listening.size(); ++i) listening[i]->set_news(fds[i + 1].revents != 0);
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
    failed_starts_.erase(worker.share().node);
    return worker.welcome(options_.heartbeat, store_settings(), now);
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
    const std::int64_t node = worker.share().node;
    follow_places();
    if (place_of({{}, node}) == nullptr) return;  // It went with its machine.
    const std::int64_t failed = ++failed_starts_[node];
    next_start_ = now + kRound * failed;
    if (failed < (worker.was_sigkilled() ? kMaxKilledStarts : kMaxFailedStarts)) return;
    if (places_.size() > 1) return forsake(node);
    if (!alone) return;
    return break_down(Status(StatusCode::kUnavailable, worker.obituary() + " before it was ready", hint)
                          .with_context(context));
  }
  if (!task) return;
  const std::int64_t kills = kernel_memory_kills();
  const bool kernel_did = worker.was_sigkilled() && kills > std::exchange(memory_kills_, kills);
  const bool out_of_memory = kernel_did || worker.was_out_of_memory();
  Status status(StatusCode::kUnavailable, worker.obituary(), hint);
  if (was_cancelled) status = Status(StatusCode::kCancelled, "the task was cancelled");
  if (!was_cancelled && out_of_memory) {
    status = Status(StatusCode::kOutOfMemory, worker.obituary() + " when the machine's memory was used up",
                    "set memory_limit lower, or use more partitions");
  }
  report(failed_result(*task, status.with_context(context)), !was_cancelled);
  // The next task will be here at once; a worker takes its time to start.
  const RunnerPlace* place = place_of({{}, worker.share().node});
  WorkerShare share = worker.share();
  if (place != nullptr && !place->is_draining && !out_of_memory && make_room(*place, share, now)) {
    (void)start_worker(std::move(share), now);
  }
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
