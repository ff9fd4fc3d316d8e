#include <algorithm>
#include <utility>

#include "stage/stage.h"

namespace millpond {
namespace {

/// The scan options of every file leaf, and whether there is any segment leaf.
void collect_leaves(const Source& source, std::vector<const ScanOptions*>& scans, bool& has_segments) {
  switch (source.kind) {
    case Source::Kind::kStatic:
      if (source.scan) {
        scans.push_back(&*source.scan);
      } else {
        has_segments = true;
      }
      break;
    case Source::Kind::kStage: has_segments = true; break;
    default:
      for (const auto& child : source.children) collect_leaves(*child, scans, has_segments);
  }
}

void collect_stages(const Source& source, std::vector<std::int64_t>& stages) {
  if (source.kind == Source::Kind::kStage && std::find(stages.begin(), stages.end(), source.stage) == stages.end()) {
    stages.push_back(source.stage);
  }
  for (const auto& child : source.children) collect_stages(*child, stages);
}

}  // namespace

SourcePtr static_source(std::vector<std::vector<Slice>> partitions, std::optional<ScanOptions> scan) {
  auto source = std::make_shared<Source>();
  source->kind = Source::Kind::kStatic;
  source->count = static_cast<std::int64_t>(partitions.size());
  source->partitions = std::move(partitions);
  source->scan = std::move(scan);
  return source;
}

SourcePtr with_partitions(const Source& source, std::vector<std::vector<Slice>> partitions) {
  auto made = std::make_shared<Source>(source);
  made->count = static_cast<std::int64_t>(partitions.size());
  made->partitions = std::move(partitions);
  return made;
}

SourcePtr stage_source(const Stage& stage) {
  auto source = std::make_shared<Source>();
  source->kind = Source::Kind::kStage;
  source->stage = stage.id;
  source->is_shuffled = stage.placement && stage.placement->kind != Placement::Kind::kSingle;
  source->is_nested = stage.is_nested;
  source->count = source->is_shuffled ? stage.placement->count * (stage.is_nested ? stage.tasks : 1) : stage.tasks;
  return source;
}

SourcePtr concat_source(std::vector<SourcePtr> children) {
  auto source = std::make_shared<Source>();
  source->kind = Source::Kind::kConcat;
  source->count = 0;
  for (const auto& child : children) source->count += child->count;
  source->children = std::move(children);
  return source;
}

SourcePtr split_rows_source(SourcePtr child, std::int64_t count) {
  auto source = std::make_shared<Source>();
  source->kind = Source::Kind::kSplitRows;
  source->count = count;
  source->children = {std::move(child)};
  return source;
}

SourcePtr gather_source(SourcePtr child, std::int64_t count) {
  if (child->count == count) return child;
  auto source = std::make_shared<Source>();
  source->kind = Source::Kind::kGather;
  source->count = count;
  source->children = {std::move(child)};
  return source;
}

SourcePtr repeat_source(SourcePtr child, std::int64_t count) {
  auto source = std::make_shared<Source>();
  source->kind = Source::Kind::kRepeat;
  source->count = count;
  source->children = {std::move(child)};
  return source;
}

bool is_uniform(const Source& source) {
  std::vector<const ScanOptions*> scans;
  bool has_segments = false;
  collect_leaves(source, scans, has_segments);
  if (scans.empty()) return true;
  if (has_segments) return false;
  return std::all_of(scans.begin(), scans.end(), [&](const ScanOptions* scan) { return *scan == *scans.front(); });
}

std::vector<std::int64_t> stages_of(const Source& source) {
  std::vector<std::int64_t> stages;
  collect_stages(source, stages);
  return stages;
}

}  // namespace millpond
