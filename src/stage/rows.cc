#include "stage/rows.h"

#include <algorithm>

namespace millpond {
namespace {

bool tells_rows(const Source& source) {
  for (const auto& partition : source.partitions) {
    for (const Slice& slice : partition) {
      if (slice_rows(slice) < 0) return false;
    }
  }
  return std::all_of(source.children.begin(), source.children.end(), [](const auto& child) { return tells_rows(*child); });
}

}  // namespace

bool tells_rows(const Stage& stage) {
  return std::all_of(stage.inputs.begin(), stage.inputs.end(), [](const auto& input) { return tells_rows(*input.source); });
}

std::int64_t source_rows(const Source& source, const std::vector<std::int64_t>& stage_rows) {
  std::int64_t rows = 0;
  const auto add = [&](std::int64_t more) { rows = rows < 0 || more < 0 ? -1 : rows + more; };
  if (source.kind == Source::Kind::kStage) add(stage_rows[static_cast<std::size_t>(source.stage)]);
  for (const auto& partition : source.partitions) {
    for (const Slice& slice : partition) add(slice_rows(slice));
  }
  for (const auto& child : source.children) add(source_rows(*child, stage_rows));
  return source.kind == Source::Kind::kRepeat && rows > 0 ? rows * source.count : rows;
}

std::vector<std::int64_t> estimate_stage_rows(const StageGraph& graph, const EstimateRows& estimate) {
  std::vector<std::int64_t> rows;
  for (const Stage& stage : graph.stages) {
    std::vector<std::int64_t> input_rows;
    for (const StageInput& input : stage.inputs) input_rows.push_back(source_rows(*input.source, rows));
    const bool is_known = !stage.call && std::find(input_rows.begin(), input_rows.end(), -1) == input_rows.end();
    const Result<std::int64_t> estimated = is_known ? estimate(stage, input_rows) : Result<std::int64_t>(-1);
    rows.push_back(estimated.is_ok() ? *estimated : -1);
  }
  return rows;
}

}  // namespace millpond
