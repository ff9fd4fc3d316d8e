#include "schedule/cluster.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace millpond {

void Cluster::restart() {
  running_.clear();
  later_.clear();
  alive_.clear();
  for (std::int64_t worker = 0; worker < job_.workers; ++worker) {
    schedule(random_.uniform(), {Report::Kind::kWorkerJoined, {}, worker});
  }
}

void Cluster::schedule(double seconds, Report report) {
  later_.push_back({now_ns_ + static_cast<std::int64_t>(seconds * 1e9), ++order_, std::move(report)});
  std::push_heap(later_.begin(), later_.end(), std::greater<>());
}

double Cluster::seconds_of(const SimulatedAttempt& attempt) {
  const double usual = 0.05 + random_.uniform();
  if (attempt.worker_dies) return usual / 2;
  return random_.uniform() < job_.is_slow ? usual * 20 : usual;
}

void Cluster::draw_outcome(SimulatedAttempt& attempt) {
  const bool has_half = attempt.granted.memory_bytes * 2 >= job_.memory;
  if (job_.poison.contains(attempt.task)) {
    attempt.outcome = Status(StatusCode::kUserFunction, "poison");
  } else if (random_.uniform() < job_.fails) {
    attempt.outcome = Status::io_error("the store failed");
  } else if (job_.memory > 0 && !has_half && random_.uniform() < job_.runs_out_of_memory) {
    attempt.outcome = Status(StatusCode::kOutOfMemory, "out of memory");
  } else if (random_.uniform() < job_.kills_worker) {
    attempt.outcome = Status(StatusCode::kUnavailable, "worker process was killed by signal 9 (SIGKILL)");
    attempt.worker_dies = true;
  }
  attempt.hangs = random_.uniform() < job_.hangs;
}

void Cluster::start(SimulatedAttempt attempt) {
  draw_outcome(attempt);
  attempt.started_ns = now_ns_;
  const std::int64_t number = attempt.number;
  if (!attempt.hangs) schedule(seconds_of(attempt), {Report::Kind::kAttempt, attempt, attempt.worker});
  running_.emplace(number, std::move(attempt));
}

void Cluster::cancel(std::int64_t number) {
  const auto found = running_.find(number);
  if (found == running_.end() || found->second.cancelled) return;
  found->second.cancelled = true;
  // Some are faster than their cancelling and some don't look at the flag; who hangs is killed.
  if (!found->second.hangs && random_.below(3) == 0) return;
  SimulatedAttempt stopped = found->second;
  stopped.outcome = Status(StatusCode::kCancelled, "the task was cancelled");
  schedule(random_.uniform() * 3, {Report::Kind::kAttempt, std::move(stopped), found->second.worker});
}

std::optional<std::int64_t> Cluster::kill_worker() {
  if (alive_.empty()) return std::nullopt;
  auto worker = alive_.begin();
  std::advance(worker, static_cast<std::ptrdiff_t>(random_.below(alive_.size())));
  const std::int64_t number = *worker;
  alive_.erase(worker);
  schedule(random_.uniform() * 5, {Report::Kind::kWorkerJoined, {}, number});
  schedule(0, {Report::Kind::kWorkerLost, {}, number});
  return number;
}

std::optional<std::int64_t> Cluster::next_ns() const {
  if (later_.empty()) return std::nullopt;
  return later_.front().due_ns;
}

Cluster::Report Cluster::take_report() {
  std::pop_heap(later_.begin(), later_.end(), std::greater<>());
  Report report = std::move(later_.back().report);
  later_.pop_back();
  if (report.kind == Report::Kind::kWorkerJoined) alive_.insert(report.worker);
  if (report.kind == Report::Kind::kAttempt) {
    const auto found = running_.find(report.attempt.number);
    if (found == running_.end()) {
      report.attempt.number = 0;  // Reported before: a cancel and an end met.
    } else {
      running_.erase(found);
    }
  }
  return report;
}

}  // namespace millpond
