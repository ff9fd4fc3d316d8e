#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "schedule/random_job.h"

namespace millpond {

/// What a task read: which content of which task. Contents stand for rows: a determinate task makes the same content of
/// the same inputs again, an indeterminate one never does.
using Reads = std::map<TaskRef, std::uint64_t>;

/// An attempt in the simulated world.
struct SimulatedAttempt {
  TaskRef task;
  std::int64_t number = 0;
  std::int64_t worker = 0;
  Resources granted;
  Reads reads;
  Status outcome;
  bool worker_dies = false;   ///< Its process dies under it; the machine and its other attempts live on.
  bool hangs = false;
  bool cancelled = false;
  std::int64_t started_ns = 0;
  std::uint64_t content = 0;  ///< Of a success.
};

/// Workers that run attempts, fail, die, come back, are slow, and report late. Virtual time; nothing is left to chance
/// but the numbers drawn.
class Cluster {
 public:
  Cluster(const RandomJob& job, SeededRandom& random) : job_(job), random_(random) {}

  /// What the driver hears next.
  struct Report {
    enum class Kind { kAttempt, kWorkerJoined, kWorkerLost };
    Kind kind = Kind::kAttempt;
    SimulatedAttempt attempt;
    std::int64_t worker = 0;
  };

  /// All workers join, as after the start of a driver. Attempts of an earlier driver are gone with it.
  void restart();
  void start(SimulatedAttempt attempt);
  void cancel(std::int64_t number);
  /// A random worker dies with everything on it; it may come back. Its attempts may still report as zombies.
  std::optional<std::int64_t> kill_worker();

  /// Time of the next report; none when nothing will ever happen.
  std::optional<std::int64_t> next_ns() const;
  Report take_report();

  void set_now(std::int64_t now_ns) { now_ns_ = now_ns; }
  std::int64_t now_ns() const { return now_ns_; }
  bool is_alive(std::int64_t worker) const { return alive_.contains(worker); }

 private:
  struct Later {
    std::int64_t due_ns = 0;
    std::int64_t order = 0;  ///< Ties go by age.
    Report report;
    bool operator>(const Later& other) const {
      return due_ns != other.due_ns ? due_ns > other.due_ns : order > other.order;
    }
  };
  void draw_outcome(SimulatedAttempt& attempt);
  void schedule(double seconds, Report report);
  double seconds_of(const SimulatedAttempt& attempt);

  const RandomJob& job_;
  SeededRandom& random_;
  std::int64_t now_ns_ = 0;
  std::int64_t order_ = 0;
  std::set<std::int64_t> alive_;
  std::map<std::int64_t, SimulatedAttempt> running_;
  std::vector<Later> later_;  // A heap.
};

}  // namespace millpond
