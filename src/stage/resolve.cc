#include "stage/resolve.h"

#include <algorithm>
#include <utility>

namespace millpond {

std::optional<SegmentSlice> segment_slice(const TaskResult& result, std::int64_t partition) {
  if (result.files.empty()) return {};
  const OutputFile& file = result.files.front();
  auto at = std::lower_bound(file.segments.begin(), file.segments.end(), partition,
                             [](const OutputFile::Segment& segment, std::int64_t wanted) { return segment.partition < wanted; });
  if (at == file.segments.end() || at->partition != partition || at->num_rows == 0) return {};
  SegmentSlice slice;
  slice.path = result.path_of(file);
  slice.partition = partition;
  slice.num_rows = at->num_rows;
  slice.num_bytes = at->num_bytes;
  slice.index_digest = file.digest;
  return slice;
}

Result<ResolvedPartition> SourceResolver::partition(const SourcePtr& source, std::int64_t partition) {
  switch (source->kind) {
    case Source::Kind::kStatic:
      return ResolvedPartition{source->scan, source->partitions[static_cast<std::size_t>(partition)]};
    case Source::Kind::kStage: return stage_partition(*source, partition);
    case Source::Kind::kConcat:
      for (const auto& child : source->children) {
        if (partition < child->count) return this->partition(child, partition);
        partition -= child->count;
      }
      return Status::internal("a union has no such partition");
    case Source::Kind::kGather: {
      const SourcePtr& child = source->children.front();
      const std::int64_t size = child->count / source->count;
      const std::int64_t larger = child->count % source->count;
      const std::int64_t begin = partition * size + std::min(partition, larger);
      return partitions_of(child, begin, begin + size + (partition < larger ? 1 : 0));
    }
    case Source::Kind::kRepeat: return partitions_of(source->children.front(), 0, source->children.front()->count);
    case Source::Kind::kSplitRows: {
      auto known = split_.find(source.get());
      if (known == split_.end()) {
        MILLPOND_ASSIGN_OR_RETURN(ResolvedPartition all, partitions_of(source->children.front(), 0, source->children.front()->count));
        split_scan_[source.get()] = all.scan;
        known = split_.emplace(source.get(), split_by_rows(all.slices, source->count)).first;
      }
      return ResolvedPartition{split_scan_[source.get()], known->second[static_cast<std::size_t>(partition)]};
    }
  }
  return Status::internal("unknown kind of source");
}

Result<ResolvedPartition> SourceResolver::stage_partition(const Source& source, std::int64_t partition) {
  ResolvedPartition resolved;
  if (!source.is_shuffled) {
    if (auto slice = segment_slice(result_(source.stage, partition), 0)) resolved.slices.emplace_back(std::move(*slice));
    return resolved;
  }
  if (source.is_nested) {
    const std::int64_t inner = stages_[static_cast<std::size_t>(source.stage)].placement->count;
    if (auto slice = segment_slice(result_(source.stage, partition / inner), partition % inner)) {
      resolved.slices.emplace_back(std::move(*slice));
    }
    return resolved;
  }
  const std::int64_t tasks = stages_[static_cast<std::size_t>(source.stage)].tasks;
  for (std::int64_t task = 0; task < tasks; ++task) {
    if (auto slice = segment_slice(result_(source.stage, task), partition)) resolved.slices.emplace_back(std::move(*slice));
  }
  return resolved;
}

Result<ResolvedPartition> SourceResolver::partitions_of(const SourcePtr& child, std::int64_t begin, std::int64_t end) {
  ResolvedPartition all;
  bool first = true;
  for (std::int64_t i = begin; i < end; ++i) {
    MILLPOND_ASSIGN_OR_RETURN(ResolvedPartition part, partition(child, i));
    if (part.slices.empty()) continue;
    if (!first && part.scan != all.scan) {
      return Status::unsupported("data of several kinds can't be read as one partition",
                                 "put compute() or a repartition by hash before this step");
    }
    first = false;
    all.scan = part.scan;
    all.slices.insert(all.slices.end(), std::make_move_iterator(part.slices.begin()), std::make_move_iterator(part.slices.end()));
  }
  return all;
}

std::optional<Schema> SourceResolver::written_schema(const SourcePtr& source) {
  if (source->kind == Source::Kind::kStage) {
    const std::int64_t tasks = stages_[static_cast<std::size_t>(source->stage)].tasks;
    for (std::int64_t task = 0; task < tasks; ++task) {
      const TaskResult& result = result_(source->stage, task);
      if (!result.schema.empty() && result.metrics.rows_out > 0) return result.schema;
    }
    if (tasks > 0 && !result_(source->stage, 0).schema.empty()) return result_(source->stage, 0).schema;
    return {};
  }
  for (const auto& child : source->children) {
    if (auto schema = written_schema(child)) return schema;
  }
  return {};
}

}  // namespace millpond
