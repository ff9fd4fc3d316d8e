#include "stage/resolve.h"

#include <algorithm>
#include <numeric>
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

std::vector<std::optional<Slice>> SourceResolver::pieces(const Source& source, std::int64_t partition) {
  std::vector<std::optional<Slice>> pieces;
  if (source.kind == Source::Kind::kStatic) {
    for (const Slice& slice : source.partitions[static_cast<std::size_t>(partition)]) pieces.emplace_back(slice);
    return pieces;
  }
  const std::int64_t tasks = stages_[static_cast<std::size_t>(source.stage)].tasks;
  for (std::int64_t task = 0; task < tasks; ++task) {
    auto slice = segment_slice(result_(source.stage, task), partition);
    pieces.push_back(slice ? std::optional<Slice>(std::move(*slice)) : std::nullopt);
  }
  return pieces;
}

Result<ResolvedPartition> SourceResolver::share(const SourcePtr& source, std::int64_t input, const Share& share) {
  if (share.cut_input != input) return partitions_of(source, share.begin, share.end);
  ResolvedPartition part;
  const auto all = pieces(*source, share.begin);
  for (std::int64_t i = share.first_piece; i < share.end_piece; ++i) {
    if (const auto& piece = all[static_cast<std::size_t>(i)]) part.slices.push_back(*piece);
  }
  return part;
}

Result<std::vector<PartitionSize>> SourceResolver::sizes(const Stage& stage) {
  std::vector<PartitionSize> sizes(static_cast<std::size_t>(stage.tasks));
  for (std::int64_t number = 0; number < static_cast<std::int64_t>(stage.inputs.size()); ++number) {
    const StageInput& input = stage.inputs[static_cast<std::size_t>(number)];
    if (!input.is_side_by_side()) continue;
    const bool is_divisible = std::find(stage.divisible_inputs.begin(), stage.divisible_inputs.end(),
                                        static_cast<std::size_t>(number)) != stage.divisible_inputs.end();
    for (std::int64_t partition = 0; partition < stage.tasks; ++partition) {
      PartitionSize& size = sizes[static_cast<std::size_t>(partition)];
      std::vector<std::int64_t> bytes;
      for (const auto& piece : pieces(*input.source, partition)) bytes.push_back(piece ? slice_bytes(*piece) : 0);
      const auto sum = [](const std::vector<std::int64_t>& all) { return std::accumulate(all.begin(), all.end(), std::int64_t{0}); };
      size.bytes += sum(bytes);
      if (!is_divisible || sum(bytes) <= sum(size.pieces)) continue;
      size.cut_input = number;
      size.pieces = std::move(bytes);
    }
  }
  return sizes;
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
