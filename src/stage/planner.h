#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "millpond/result.h"
#include "plan/node.h"
#include "stage/deal_files.h"
#include "stage/stage.h"

namespace millpond {

/// What the planner asks of the world.
struct PlannerContext {
  FileParts parts;
  /// Bytes of files that one task reads before its rows move, where they can be dealt to several; 0: as many as there are.
  std::int64_t scan_task_bytes = 0;
  /// Threads that such a task is given; 0: a slot's share.
  std::int64_t scan_task_threads = 0;
  /// For each input of a query, the paths of its source's files that the query reads no row of by their bounds; may be empty.
  std::function<Result<std::vector<std::set<std::string>>>(const std::string& query, const std::vector<StageInput>& inputs)>
      unread_files = {};
};

/// Turns optimized plans into one stage graph; work that several of them share is done once.
/// A stage is as much of a plan as can run without moving rows; rows move (through exchange files) where a repartition, a
/// limit, a user's function, a shared or broadcast result stands.
/// Every root is materialized unless it is files or data at rest. Nodes must have schemas, except a function's own.
/// Cost: linear in nodes and partitions.
Result<StageGraph> plan_stages(const std::vector<NodePtr>& roots, const PlannerContext& context);

}  // namespace millpond
