#include "job/task_weights.h"

#include <algorithm>

namespace millpond {
namespace {

bool is_dealt(const StageInput& input) {
  return input.source->kind == Source::Kind::kStage && input.source->is_shuffled && !input.source->is_nested &&
         input.divisor == 1;
}

void add_segments(const TaskResult& result, std::vector<std::int64_t>& bytes) {
  for (const OutputFile& file : result.files) {
    for (const OutputFile::Segment& segment : file.segments) {
      const auto at = static_cast<std::size_t>(segment.partition);
      if (at < bytes.size()) bytes[at] += segment.num_bytes;
    }
  }
}

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

}  // namespace millpond
