#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "schedule/scheduler.h"
#include "simulation/shuffle_options.h"

namespace millpond {

/// An attempt as the nodes see it.
struct RunningAttempt {
  TaskRef task;
  std::int64_t number = 0;
  std::int64_t node = 0;
  double started = 0;
  double work = 0;      ///< Seconds the task takes on an undisturbed machine.
  double seconds = 0;   ///< Seconds this attempt takes, up to its end or failure.
  double frozen = -1;   ///< When its node died; negative while it lives.
  bool slow = false;
  bool fails = false;
  bool worker_dies = false;
  bool blocked = false;  ///< It waits for an output that went with another node.
};

/// The nodes: what runs on them, how long it takes, what goes wrong. Times come from the seed alone.
class VirtualNodes {
 public:
  enum class Happening { kAttemptEnds, kNodeDies, kNodeDetected, kNodeJoins };
  struct Event {
    double due = 0;
    std::int64_t order = 0;
    Happening what = Happening::kAttemptEnds;
    std::int64_t number = 0;  ///< An attempt, or a node.
    bool operator>(const Event& other) const { return due != other.due ? due > other.due : order > other.order; }
  };

  explicit VirtualNodes(const ShuffleOptions& options);

  double now() const { return now_; }
  void set_now(double now) { now_ = now; }
  std::optional<double> next_due() const;
  Event take();

  void start(TaskRef task, std::int64_t number, std::int64_t node);
  void cancel(std::int64_t number);
  /// The attempt with this number, taken out; none when it was reported or died with its node.
  std::optional<RunningAttempt> take_attempt(std::int64_t number);
  /// The node stops. Attempts on it say nothing more, and those still fetching from it wait.
  void kill(std::int64_t node);
  /// Takes out what ran on the node when it died.
  std::vector<RunningAttempt> take_dead(std::int64_t node);
  /// What waited for outputs of the lost node; they fail now.
  void fail_blocked();
  /// The reduces that have all their input and run.
  std::vector<TaskRef> fetched() const;
  void join(std::int64_t node);
  bool is_alive(std::int64_t node) const { return alive_[static_cast<std::size_t>(node)]; }

  double work_of(TaskRef task) const;
  /// What a driver would guess of it, by its bytes.
  double weight_of(TaskRef task) const;
  /// Where a map's input lies.
  std::int64_t input_node_of(TaskRef task) const;

 private:
  void schedule(double due, Happening what, std::int64_t number);
  void draw_death(std::int64_t node);
  /// Whether what it has not yet fetched goes with the node that made it.
  bool reads_from_nodes(TaskRef task) const;
  double normal(TaskRef task, std::uint64_t salt) const;

  const ShuffleOptions options_;
  SeededRandom random_;
  double now_ = 0;
  std::int64_t order_ = 0;
  std::int64_t num_unnoticed_ = 0;  ///< Nodes that died and are still believed to live.
  std::vector<bool> alive_;
  std::unordered_map<std::int64_t, RunningAttempt> running_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

}  // namespace millpond
