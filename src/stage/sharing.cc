#include "stage/sharing.h"

#include <algorithm>

namespace millpond {
namespace {

/// Partitions that lie in exchange files, each known by its size.
bool is_exchange(const Source& source) {
  if (source.kind == Source::Kind::kStatic) return !source.scan;
  return source.kind == Source::Kind::kStage && source.is_shuffled && !source.is_nested;
}

bool reads_partitions(const Stage& stage) {
  const auto fits = [](const StageInput& input) {
    return input.source->count == 1 || (input.is_side_by_side() && is_exchange(*input.source));
  };
  const auto is_shared = [](const StageInput& input) { return input.is_side_by_side(); };
  return stage.tasks > 1 && !stage.call && !stage.write && !stage.is_nested &&
         std::all_of(stage.inputs.begin(), stage.inputs.end(), fits) &&
         std::any_of(stage.inputs.begin(), stage.inputs.end(), is_shared);
}

/// Whether a partition of the source is what a certain task of the stage wrote.
bool keeps_tasks_apart(const Source& source, std::int64_t stage) {
  switch (source.kind) {
    case Source::Kind::kStatic: return false;
    case Source::Kind::kStage: return source.stage == stage;
    case Source::Kind::kRepeat:
    case Source::Kind::kSplitRows: return false;
    case Source::Kind::kGather:
      if (source.count == 1) return false;
      break;
    case Source::Kind::kConcat: break;
  }
  return std::any_of(source.children.begin(), source.children.end(),
                     [&](const auto& child) { return keeps_tasks_apart(*child, stage); });
}

bool is_read_in_partitions(const StageGraph& graph, const Stage& stage) {
  for (const Stage& other : graph.stages) {
    for (const StageInput& input : other.inputs) {
      if (keeps_tasks_apart(*input.source, stage.id)) return true;
    }
  }
  return std::any_of(graph.roots.begin(), graph.roots.end(), [&](const StageGraph::Root& root) {
    return root.source->kind != Source::Kind::kStage && keeps_tasks_apart(*root.source, stage.id);
  });
}

}  // namespace

void decide_sharing(StageGraph& graph) {
  for (Stage& stage : graph.stages) {
    if (!stage.shares_partitions) continue;
    const auto kind = stage.placement ? stage.placement->kind : Placement::Kind::kRandom;
    const bool deals_anew = kind == Placement::Kind::kHash || kind == Placement::Kind::kExpression;
    const bool is_free = deals_anew || (kind == Placement::Kind::kSingle && !is_read_in_partitions(graph, stage));
    stage.shares_partitions = is_free && reads_partitions(stage);
  }
}

}  // namespace millpond
