#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/schema.h"

namespace millpond {

/// How the rows of a frame are dealt to its partitions: what the planner may rely on, and what makes two frames fit together.
struct Partitioning {
  enum class Kind {
    kUnknown,  ///< Any row may be anywhere (files, rows, unions, functions of the user).
    kSingle,   ///< One partition.
    kHash,     ///< partition_hash(keys) % count.
    kNumber,   ///< By a column or expression that is the partition number.
    kRandom,   ///< By chance.
    kRange,    ///< In the order of `ranges`.
    kFolders,  ///< Whole key=value folders of files, by the values of the columns in `determined_by`.
  };
  Kind kind = Kind::kSingle;
  std::int64_t count = 1;
  /// kHash: the key columns that are still in the frame under these names; empty when they were projected away.
  std::vector<std::string> keys;
  /// Two frames of the same count may be read side by side when their identities are equal.
  std::string identity = "single";
  /// What a row's partition follows from: rows of equal keys are in one partition. Empty when it follows from nothing in
  /// the row, or from what was projected away.
  struct Key {
    std::string text;                  ///< As analyzing a query gives it; empty once columns have other names.
    std::vector<std::string> columns;  ///< The columns that the key is made of.
    bool operator==(const Key&) const = default;
  };
  std::vector<Key> determined_by;
  /// One column by which the partitions follow each other.
  struct Range {
    std::string column;
    std::string order;  ///< "ASC NULLS LAST", as ORDER BY has it.
    bool operator==(const Range&) const = default;
  };
  /// No row comes before one of an earlier partition in the order of these columns. Rows that are equal in all of them may
  /// lie in neighbours, unless `determined_by` says that they don't.
  std::vector<Range> ranges;
  /// Where each partition was dealt into several: the placements further out, outermost first. Partition i lies in
  /// partition i / (count / outer.count) of each.
  struct Outer {
    std::int64_t count = 1;
    std::string identity;
    bool operator==(const Outer&) const = default;
  };
  std::vector<Outer> outer;

  bool operator==(const Partitioning&) const = default;
};

/// One partition.
Partitioning single_partition();
/// Hash placement over columns of these types. The identity holds the canonical types and the hash version, not the names:
/// orders by user_id and users by id fit together.
Partitioning hash_partitioning(std::vector<std::string> keys, const std::vector<std::string>& types, std::int64_t count);
/// The columns of an order as texts: "ts DESC NULLS LAST".
std::vector<std::string> range_texts(const std::vector<Partitioning::Range>& ranges);
/// Any other placement; `identity` says which act of dealing it was.
Partitioning other_partitioning(Partitioning::Kind kind, std::int64_t count, std::string identity);

/// `inner` dealt within each partition of `outer`.
Partitioning nested_partitioning(const Partitioning& outer, const Partitioning& inner);

/// Whether the frame's own columns tell where each row belongs, so that rows which lie otherwise can be put there.
bool can_be_dealt_again(const Partitioning& partitioning);

/// The class of types that hash alike ("integer" for every integer type); the type itself where it stands alone.
std::string canonical_hash_type(const std::string& type);

/// "16 partitions by hash(ticker)".
std::string partitioning_to_string(const Partitioning& partitioning);
Json partitioning_to_json(const Partitioning& partitioning);

}  // namespace millpond
