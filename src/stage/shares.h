#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace millpond {

/// What one task of a stage reads of those inputs that have a partition for each task.
struct Share {
  std::int64_t begin = 0;  ///< The first of its partitions.
  std::int64_t end = 0;    ///< Behind the last one; `begin` when the task has nothing to do.
  /// The input whose only partition in the share is read in part; -1: all is read.
  std::int64_t cut_input = -1;
  std::int64_t first_piece = 0;  ///< Of the cut input's partition, the pieces [first_piece, end_piece).
  std::int64_t end_piece = 0;

  bool is_idle() const { return begin == end; }
  bool operator==(const Share&) const = default;
};

/// How much there is to read in one partition of a stage's inputs.
struct PartitionSize {
  std::int64_t bytes = 0;             ///< Of all inputs, encoded.
  std::int64_t cut_input = -1;        ///< The largest input that may be read in parts; -1: there is none.
  std::vector<std::int64_t> pieces;   ///< Bytes of that input, by what wrote it.
};

/// Deals the partitions to as many tasks by what is in them: neighbours that hold little are read by one task, and a
/// partition far larger than half of the others is read by several, each of which reads a part of the cut input and the
/// others whole. Shares follow each other as the partitions do, and idle ones come last.
/// `least_bytes`: what is worth a task. Empty when each task had best read its own partition.
/// Cost: partitions and pieces, some twenty times over.
std::vector<Share> share_partitions(const std::vector<PartitionSize>& sizes, std::int64_t least_bytes);

}  // namespace millpond
