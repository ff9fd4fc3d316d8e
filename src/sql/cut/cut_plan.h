#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "millpond/schema.h"

namespace millpond {

/// One step of a query that was cut where rows must move. Its columns are c0, c1 … except for an input's own.
struct CutStep {
  enum class Kind {
    kInput,   ///< The rows of an input, in its partitions.
    kQuery,   ///< A SELECT in each partition of the steps `from`; a step of one partition is read whole by each.
    kHash,    ///< The rows of the only step in `from`, dealt by the hash of `keys`.
    kRange,   ///< The rows of from[0], dealt by ranges of `keys`, which are columns of from[1], too, where they are sampled.
    kGather,  ///< The rows of the only step in `from` in one partition.
    kLimit,   ///< Any `rows` rows of the only step in `from`, those of its first partitions first, in one partition.
    kUnion,   ///< The partitions of all steps in `from`, one after the other.
  };
  Kind kind = Kind::kInput;
  std::size_t input = 0;          ///< kInput: which one.
  std::vector<std::size_t> from;  ///< Earlier steps; {0}, {1} … of a query.
  std::string query;              ///< kQuery.
  Schema schema;                  ///< kQuery: its columns; empty when only binding it can tell.
  bool is_volatile = false;       ///< kQuery: run again, it may give other rows.
  /// kQuery: places in `from` whose rows may come in parts, beside all rows of the others: what the query gives for the
  /// parts, put together, is what it gives for the whole.
  std::vector<std::size_t> divisible;
  std::vector<std::string> keys;  ///< kHash, kRange: columns of the step it reads.
  std::vector<std::string> orders;  ///< kRange: "ASC NULLS LAST", one for each key.
  std::int64_t rows = 0;          ///< kLimit.
  std::string reason;             ///< kGather: why the rows must come together.
};

/// The least and the greatest value of a key, as texts that cast to its type; absent when all are NULL, or not asked for.
struct KeyBounds {
  std::optional<std::string> least;
  std::optional<std::string> greatest;
};

/// What is known of the keys of a join's side.
struct KnownKeys {
  std::vector<KeyBounds> bounds;    ///< Of each key, in order.
  std::int64_t distinct = -1;       ///< About how many there are, all keys together; -1: not known.
};

/// A step whose real size would tell whether rows that meet its own must move at all.
struct CutQuestion {
  std::size_t step = 0;
  /// A step of one row with what KnownKeys holds: two columns a key, then one; all are texts. Rows of the other side that meet
  /// none of these keys need not move.
  std::optional<std::size_t> keys;
  std::string id;  ///< Equal steps of equal queries have equal ids, whatever was cut around them.
};

/// How a query is cut.
struct CutOptions {
  std::int64_t broadcast_limit = -1;  ///< As SqlOptions has it.
  std::int64_t partitions = 1;        ///< How many a kHash or kRange step deals to.
  std::map<std::string, std::int64_t> known_rows;  ///< Real sizes of steps that were asked for, by CutQuestion::id.
  std::map<std::string, KnownKeys> known_keys = {};  ///< Of its keys; where it asked for them.
};

/// A query as steps in order of dependence; the last one gives the rows.
struct CutPlan {
  std::vector<CutStep> steps;
  std::vector<CutQuestion> questions;  ///< None of them is read by another, directly or not.
};

}  // namespace millpond
