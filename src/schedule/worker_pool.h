#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "task/task.h"

namespace millpond {

/// What an attempt asks for. Escalation follows out-of-memory failures.
struct Demand {
  Resources resources;            ///< 0: not counted; memory then is one slot's share.
  std::int64_t escalation = 0;    ///< 0: as asked; 1: at least half a worker; 2 and more: a whole worker, alone.
  std::int64_t memory_tried = 0;  ///< What wasn't enough; escalated, it goes where there is more, if anywhere.
};
inline constexpr std::int64_t kWholeWorker = 2;

/// What an attempt holds of its worker.
struct Grant {
  std::int64_t slots = 0;
  Resources resources;
};

/// The workers with what they have free. A demand for more threads than a worker has gets all it has. One for more
/// memory waits for a worker that has it, and gets all of a smaller one only when there is none. Gpus and custom
/// resources are never clamped.
class WorkerPool {
 public:
  void add(std::int64_t worker, std::int64_t slots, const Resources& resources, std::int64_t node = 0);
  void remove(std::int64_t worker);
  /// It gets nothing new.
  void drain(std::int64_t worker);
  bool contains(std::int64_t worker) const { return workers_.contains(worker); }
  std::int64_t size() const { return static_cast<std::int64_t>(workers_.size()); }
  std::int64_t num_nodes() const { return static_cast<std::int64_t>(nodes_.size()); }
  /// On workers that take something, reserved or not.
  std::int64_t free_slots() const { return free_slots_; }
  /// The worker's node; -1 for an unknown worker.
  std::int64_t node_of(std::int64_t worker) const;

  struct Choice {
    std::int64_t worker = 0;
    Grant grant;
  };
  /// The worker with the most free slots that can take it now, not reserved, and not one of `avoid` nor, where there
  /// are several nodes, on a node of theirs. O(log workers), where most of them that have a free slot can take it.
  std::optional<Choice> choose(const Demand& demand, const std::vector<std::int64_t>& avoid = {}) const;
  /// The same among the workers of one node.
  std::optional<Choice> choose_near(std::int64_t node, const Demand& demand) const;
  /// The same on one worker only, reserved or not.
  std::optional<Choice> choose_on(std::int64_t worker, const Demand& demand) const;
  /// The largest worker that could take it when idle and isn't reserved. None, too, when only reserved ones have more
  /// than was tried.
  std::optional<std::int64_t> largest_for(const Demand& demand) const;
  /// The nodes with free slots on workers that aren't reserved, ordered.
  template <typename Visitor>
  bool any_free_node(Visitor&& visit) const {
    for (const auto& [node, workers] : nodes_) {
      if (!workers.empty() && visit(node)) return true;
    }
    return false;
  }

  /// Keeps others off a worker, so that an escalated task gets its turn.
  void reserve(std::int64_t worker);
  void release(std::int64_t worker);
  std::int64_t num_reserved() const { return static_cast<std::int64_t>(reserved_.size()); }

  void take(std::int64_t worker, const Grant& grant);
  void give_back(std::int64_t worker, const Grant& grant);

  /// Whether a further escalation would be given more of this worker.
  bool would_grow(std::int64_t worker, const Demand& demand, const Grant& had) const;
  /// Whether a worker has more memory than this in all.
  bool has_more_memory(std::int64_t bytes) const;
  /// What of the demand no worker has, even when idle: "2 gpus"; empty when one could take it.
  std::string lacking(const Demand& demand) const;

 private:
  struct Worker {
    std::int64_t slots = 0;
    Resources total;
    std::int64_t free_slots = 0;
    Resources free;
    std::int64_t node = 0;
    bool draining = false;
  };
  using Order = std::set<std::pair<std::int64_t, std::int64_t>>;  // Minus the free slots, worker.

  static Grant grant_of(const Worker& worker, const Demand& demand);
  static bool fits(const Worker& worker, const Grant& grant);
  static bool could_hold(const Worker& worker, const Demand& demand);
  std::optional<Choice> choose_from(const Order& order, const Demand& demand,
                                    const std::vector<std::int64_t>& avoid) const;
  bool is_open(std::int64_t number, const Worker& worker) const;
  void unlist(std::int64_t number, const Worker& worker);
  void list(std::int64_t number, const Worker& worker);

  std::map<std::int64_t, Worker> workers_;  // Ordered, so that a run is a function of its events.
  Order by_free_;                           // Those that take something now: free slots, not reserved, not draining.
  std::map<std::int64_t, Order> nodes_;     // The same by node; an entry for each node with workers.
  std::map<std::int64_t, std::int64_t> workers_of_node_;
  std::set<std::int64_t> reserved_;
  std::int64_t free_slots_ = 0;
};

}  // namespace millpond
