#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "schedule/cluster.h"
#include "schedule/simulation.h"

namespace millpond {

/// Carries out the scheduler's actions on a simulated cluster as a real driver would, with a journal that outlives it,
/// and checks each of them against its own, simple-minded view of the job.
class SimulatedDriver {
 public:
  explicit SimulatedDriver(std::uint64_t seed);
  SimulationReport run();

 private:
  struct Record {
    std::uint64_t content = 0;
    Reads reads;
  };
  struct Active {
    TaskRef task;
    std::int64_t worker = 0;
    Resources granted;
    bool cancelled = false;
  };

  // The loop.
  void begin();
  bool step();
  void deliver(const Cluster::Report& report);
  void report_attempt(SimulatedAttempt attempt);
  void make_trouble();
  void lose_output();
  void send(const Event& event);
  void finish_up();

  // Carrying out.
  void perform(const action::Start& start);
  void perform(const action::Cancel& cancel);
  void perform(const action::Accept& accept);
  void perform(const action::Drop& drop);
  void perform(const action::Invalidate& invalidate);
  void perform(const action::StageFinished& stage);
  void perform(const action::JobFinished& job);
  Reads reads_of(TaskRef task);

  // Checking.
  void check_budget(std::int64_t worker);
  void check_verdict();
  void check_failure();
  void check_contents();
  std::set<TaskRef> open_tasks() const;
  const StageShape& shape(std::int64_t stage) const;
  void violate(const std::string& what);
  void note(std::string line);

  SeededRandom random_;
  RandomJob job_;
  Cluster cluster_;
  std::optional<Scheduler> scheduler_;
  SimulationReport report_;

  // What outlives the driver.
  std::map<TaskRef, Record> journal_;
  std::map<TaskRef, std::uint64_t> stored_;  ///< Committed outputs that are really there.

  // What dies with it.
  std::map<std::int64_t, Active> active_;    ///< Started and not reported.
  std::map<std::int64_t, Record> results_;   ///< Reported successes, until accepted or dropped.
  std::map<TaskRef, std::int64_t> losses_;
  std::set<std::int64_t> finished_stages_;
  std::map<std::int64_t, std::int64_t> satisfied_at_;  ///< By stage: its results when it was last said to be satisfied.
  std::optional<action::JobFinished> verdict_;
  bool cancelled_ = false;
  bool dead_ = false;
  std::int64_t steps_ = 0;
  std::deque<std::string> log_;
};

}  // namespace millpond
