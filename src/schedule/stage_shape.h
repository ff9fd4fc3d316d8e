#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "task/task.h"

namespace millpond {

/// Which tasks of the upstream stage a task needs.
enum class DependencyKind {
  kAll,   ///< Every task of that stage.
  kSame,  ///< Only the task of the same number; both stages have as many tasks.
};

/// What running a task again gives.
enum class Determinacy {
  kDeterminate,    ///< The same rows in the same order in the same partitions.
  kUnordered,      ///< The same rows in the same partitions, perhaps in another order.
  kIndeterminate,  ///< Perhaps other rows, or the same in other partitions: consumers of an earlier run are void.
};

struct StageDependency {
  std::int64_t stage = 0;  ///< StageShape::id of the upstream.
  DependencyKind kind = DependencyKind::kAll;

  bool operator==(const StageDependency&) const = default;
};

/// All that the scheduler knows of a stage.
struct StageShape {
  std::int64_t id = 0;                        ///< Unique, not negative.
  std::int64_t tasks = 0;                     ///< May be 0.
  std::vector<StageDependency> dependencies;  ///< Without cycles; in any order.
  Determinacy determinacy = Determinacy::kDeterminate;
  Resources resources;                        ///< Of each task; 0: one slot's share.
  std::int64_t max_running = 0;               ///< Tasks at once, copies included; 0: as many as fit.
  double weight = 1;                          ///< Expected cost of a task; among equals the heavier stage goes first.
  std::string name;                           ///< For messages: "stage 2 (hash ticker)". Empty: "stage <id>".

  bool operator==(const StageShape&) const = default;
};

}  // namespace millpond
