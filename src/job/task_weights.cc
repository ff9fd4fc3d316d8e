#include "job/task_weights.h"

#include <algorithm>

namespace millpond {
namespace {

bool is_dealt(const StageInput& input) {
  return input.source->kind == Source::Kind::kStage && input.source->is_shuffled && !input.source->is_nested &&
         input.divisor == 1;
}

bool is_kept(const StageInput& input) {
  return input.source->kind == Source::Kind::kStatic && input.source->is_kept && input.is_side_by_side();
}

void add_kept(const Source& source, std::vector<std::int64_t>& bytes) {
  for (std::size_t i = 0; i < std::min(bytes.size(), source.partitions.size()); ++i) {
    for (const Slice& slice : source.partitions[i]) bytes[i] += slice_bytes(slice);
  }
}

void add_segments(const TaskResult& result, std::vector<std::int64_t>& bytes) {
  for (const OutputFile& file : result.files) {
    for (const OutputFile::Segment& segment : file.segments) {
      const auto at = static_cast<std::size_t>(segment.partition);
      if (at < bytes.size()) bytes[at] += segment.num_bytes;
    }
  }
}

// With as many tasks as this for each thread, the last ones hardly leave others idle.
constexpr std::int64_t kTasksPerThread = 4;
// Heavier ones would be waited for.
constexpr double kHeavy = 2;

}  // namespace

bool reads_shuffled(const Stage& reader, std::int64_t upstream) {
  return std::any_of(reader.inputs.begin(), reader.inputs.end(), [upstream](const StageInput& input) {
    return is_dealt(input) && input.source->stage == upstream;
  });
}

std::vector<event::TaskHint> task_weights(const Stage& reader, const std::vector<Stage>& stages,
                                          const ResultOf& result_of) {
  if (reader.early_stop_rows >= 0 || reader.tasks < 2) return {};
  std::vector<std::int64_t> bytes(static_cast<std::size_t>(reader.tasks), 0);
  for (const StageInput& input : reader.inputs) {
    if (is_kept(input)) add_kept(*input.source, bytes);
    if (!is_dealt(input)) continue;
    const Stage& upstream = stages[static_cast<std::size_t>(input.source->stage)];
    for (std::int64_t task = 0; task < upstream.tasks; ++task) {
      if (const TaskResult* result = result_of(upstream.id, task)) add_segments(*result, bytes);
    }
  }
  std::vector<event::TaskHint> hints;
  for (std::int64_t task = 0; task < reader.tasks; ++task) {
    // A byte more: an empty partition is light, not unknown.
    hints.push_back({{reader.id, task}, static_cast<double>(bytes[static_cast<std::size_t>(task)] + 1)});
  }
  return hints;
}

std::vector<bool> one_thread_tasks(const Stage& reader, const std::vector<Stage>& stages, const ResultOf& result_of,
                                   std::int64_t to_do, std::int64_t threads) {
  if (to_do < kTasksPerThread * threads) return {};
  const auto is_weighed = [](const StageInput& input) { return is_dealt(input) || is_kept(input); };
  const auto is_small = [](const StageInput& input) { return input.is_broadcast(); };
  if (!std::ranges::any_of(reader.inputs, is_weighed)) return {};
  if (!std::ranges::all_of(reader.inputs, [&](const StageInput& input) { return is_weighed(input) || is_small(input); })) return {};
  double sum = 0;
  const std::vector<event::TaskHint> weights = task_weights(reader, stages, result_of);
  for (const event::TaskHint& hint : weights) sum += hint.weight;
  std::vector<bool> is_light;
  for (const event::TaskHint& hint : weights) is_light.push_back(hint.weight * static_cast<double>(weights.size()) <= kHeavy * sum);
  return is_light;
}

}  // namespace millpond
