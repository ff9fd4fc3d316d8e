#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "millpond/result.h"
#include "stage/shares.h"
#include "stage/stage.h"
#include "task/task.h"

namespace millpond {

/// One relation of one task: slices of one kind.
struct ResolvedPartition {
  std::optional<ScanOptions> scan;
  std::vector<Slice> slices;
};

/// Finds the slices behind a source's partitions from what the tasks of finished stages wrote.
/// Not thread-safe. Cost of a partition: one look per task of a shuffled stage.
class SourceResolver {
 public:
  /// `result` gives the accepted result of a task, which must be there when a source that reads it is resolved.
  using FindResult = std::function<const TaskResult&(std::int64_t stage, std::int64_t task)>;
  SourceResolver(const std::vector<Stage>& stages, FindResult result) : stages_(stages), result_(std::move(result)) {}

  /// kUnsupported when files and segments, or files read in different ways, stand in one partition.
  Result<ResolvedPartition> partition(const SourcePtr& source, std::int64_t partition);

  /// What a task reads of its stage's input number `input` by its share.
  Result<ResolvedPartition> share(const SourcePtr& source, std::int64_t input, const Share& share);

  /// How much lies in each partition of the inputs that a task reads side by side.
  Result<std::vector<PartitionSize>> sizes(const Stage& stage);

  /// Drops what was worked out from results that have changed since.
  void forget() {
    split_.clear();
    split_scan_.clear();
  }

  /// The columns that a source's rows have, from the results of its stages; absent when no task wrote a row.
  std::optional<Schema> written_schema(const SourcePtr& source);

 private:
  Result<ResolvedPartition> stage_partition(const Source& source, std::int64_t partition);
  /// One partition by what wrote it: a task of the shuffled stage, or a slice at rest.
  std::vector<std::optional<Slice>> pieces(const Source& source, std::int64_t partition);
  Result<ResolvedPartition> partitions_of(const SourcePtr& child, std::int64_t begin, std::int64_t end);

  const std::vector<Stage>& stages_;
  FindResult result_;
  std::map<const Source*, std::vector<std::vector<Slice>>> split_;
  std::map<const Source*, std::optional<ScanOptions>> split_scan_;
};

/// The segments of one partition in an exchange file that a task wrote; nothing when it has no rows of it.
std::optional<SegmentSlice> segment_slice(const TaskResult& result, std::int64_t partition);

}  // namespace millpond
