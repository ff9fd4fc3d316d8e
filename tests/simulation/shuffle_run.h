#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "schedule/scheduler.h"
#include "simulation/shuffle_options.h"
#include "simulation/virtual_nodes.h"

namespace millpond {

/// The driver of a simulated shuffle: carries the scheduler's actions to the nodes, their reports back, and checks that
/// each task is done exactly once, on cores that are free, after all that it reads.
class ShuffleRun {
 public:
  explicit ShuffleRun(const ShuffleOptions& options);
  ShuffleReport run();

 private:
  struct Active {
    std::int64_t node = 0;
    bool cancelled = false;
  };

  bool step();
  void deliver(const VirtualNodes::Event& event);
  void report_attempt(const RunningAttempt& attempt);
  void lose_node(std::int64_t node);
  void lose_outputs(std::int64_t node);
  void lose_output(TaskRef map);
  void join_node(std::int64_t node);
  void send(const Event& event);
  void perform(const action::Start& start);
  void perform(const action::Cancel& cancel);
  void perform(const action::Accept& accept);
  void perform(const action::Drop& drop);
  void perform(const action::Invalidate& invalidate);
  void perform(const action::StageFinished& stage);
  void perform(const action::JobFinished& job);
  void send_hints();
  void charge(TaskRef task, double seconds);
  double seconds_after_loss(std::int64_t node) const;
  double seconds_for(double work) const;
  void finish();
  void violate(const std::string& what);
  std::size_t index(TaskRef task) const;
  std::int64_t node_of(std::int64_t worker) const { return worker / options_.workers_per_node; }

  const ShuffleOptions options_;
  VirtualNodes nodes_;
  std::optional<Scheduler> scheduler_;
  ShuffleReport report_;
  std::vector<bool> done_;                ///< By task: it has a result, and its output is there.
  std::vector<std::int64_t> live_;        ///< By task: attempts that count.
  std::vector<std::int64_t> made_on_;     ///< By task: the node of the accepted attempt.
  std::vector<float> lost_;               ///< By task: seconds of work lost on it.
  std::vector<std::int64_t> free_cores_;  ///< By node.
  std::unordered_map<std::int64_t, Active> active_;
  std::int64_t accepted_maps_ = 0;
  std::vector<double> deaths_;  ///< When nodes died.
  double lost_seconds_ = 0;
  bool finished_ = false;
};

}  // namespace millpond
