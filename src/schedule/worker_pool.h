#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "task/task.h"

namespace millpond {

/// What an attempt asks for. Escalation follows out-of-memory failures.
struct Demand {
  Resources resources;            ///< 0: not counted; memory then is one slot's share.
  std::int64_t escalation = 0;    ///< 0: as asked; 1: at least half a worker; 2: a whole worker, alone.
};
inline constexpr std::int64_t kMaxEscalation = 2;

/// What an attempt holds of its worker.
struct Grant {
  std::int64_t slots = 0;
  Resources resources;
};

/// The workers with what they have free. Demands for more threads or memory than a worker has get all it has;
/// gpus are never clamped.
class WorkerPool {
 public:
  void add(std::int64_t worker, std::int64_t slots, const Resources& resources);
  void remove(std::int64_t worker);
  bool contains(std::int64_t worker) const { return workers_.contains(worker); }
  std::int64_t size() const { return static_cast<std::int64_t>(workers_.size()); }
  std::int64_t free_slots() const { return free_slots_; }

  struct Choice {
    std::int64_t worker = 0;
    Grant grant;
  };
  /// The worker with the most free slots that can take it now, other than `avoid` and the reserved one. O(workers).
  std::optional<Choice> choose(const Demand& demand, std::optional<std::int64_t> avoid = std::nullopt) const;
  /// The same on one worker only, reserved or not.
  std::optional<Choice> choose_on(std::int64_t worker, const Demand& demand) const;
  /// The largest worker that could take it when idle.
  std::optional<std::int64_t> largest_for(const Demand& demand) const;

  /// Keeps others off a worker, so that an escalated task gets its turn. At most one at a time.
  void reserve(std::int64_t worker) { reserved_ = worker; }
  void clear_reservation() { reserved_.reset(); }
  std::optional<std::int64_t> reserved() const { return reserved_; }

  void take(std::int64_t worker, const Grant& grant);
  void give_back(std::int64_t worker, const Grant& grant);

  /// Whether a further escalation would be given more of this worker.
  bool would_grow(std::int64_t worker, const Demand& demand, const Grant& had) const;

 private:
  struct Worker {
    std::int64_t slots = 0;
    Resources total;
    std::int64_t free_slots = 0;
    Resources free;
  };
  static Grant grant_of(const Worker& worker, const Demand& demand);
  static bool fits(const Worker& worker, const Grant& grant);

  std::map<std::int64_t, Worker> workers_;  // Ordered, so that a run is a function of its events.
  std::optional<std::int64_t> reserved_;
  std::int64_t free_slots_ = 0;
};

}  // namespace millpond
