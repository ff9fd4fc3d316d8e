#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "data/scan_options.h"
#include "data/schema.h"
#include "data/slice.h"
#include "millpond/file_bounds.h"
#include "millpond/options.h"
#include "plan/partitioning.h"

namespace millpond {

/// Files, pinned as they were when the frame was made. One partition.
struct ScanOp {
  /// A read of files that are new by a name: the number that the session gave it.
  struct NewRead {
    std::string name;
    std::int64_t number = 0;
    auto operator<=>(const NewRead&) const = default;
  };

  std::vector<FileSlice> files;
  ScanOptions options;
  std::shared_ptr<const FileBounds> bounds = {};  ///< What is known of them, so that some need not be read; may be null.
  std::optional<NewRead> new_read = {};  ///< Which files were chosen so; no part of what is computed of them.
  bool operator==(const ScanOp&) const = default;
};

/// Rows that lie ready in exchange files in the job's folder: data given in memory, or the kept result of earlier work.
struct ValuesOp {
  std::vector<std::vector<SegmentSlice>> partitions;
  std::string digest;  ///< Of the content; stands for the data in fingerprints.
  bool is_kept = false;  ///< They are what an earlier action computed; for people.
  bool operator==(const ValuesOp&) const = default;
};

/// What is known of a partition-wise query, from its bound plan. Everything unknown is the careful answer.
struct PartialSqlTraits {
  bool has_aggregate = false;
  bool has_distinct = false;
  bool has_window = false;
  bool has_order = false;
  bool has_limit = false;
  bool is_volatile = false;  ///< random(), nextval and their like.
  /// The query is one SELECT over its only input, and its rows are decided group by group: input columns grouped by.
  std::vector<std::string> group_columns;
  bool is_grouping = false;
  bool is_row_wise = false;  ///< Each row of the result comes from one row of the only input.
  /// Columns and expressions of {0}'s columns that are grouped by, each as one text.
  std::vector<std::string> group_keys;
  /// Input columns that stand unchanged in the result: (input column of {0}, output column).
  std::vector<std::pair<std::string, std::string>> passed_columns;
  /// Columns of each input that the query reads; absent when not known.
  std::vector<std::optional<std::vector<std::string>>> used_columns;

  bool operator==(const PartialSqlTraits&) const = default;
};

/// One SELECT in each partition; {0}, {1} … stand for the inputs. `setup` statements run before it.
struct PartialSqlOp {
  std::string query;
  std::vector<std::string> setup;
  PartialSqlTraits traits;
  /// A piece of a query over all rows: run over several partitions at once, it gives what that query needs as well.
  bool is_global = false;
  /// Inputs whose rows may come in parts, beside all of the others': what the parts give, put together, is the same.
  std::vector<std::size_t> divisible_inputs;
  bool operator==(const PartialSqlOp&) const = default;
};

/// A user's function over the rows of each partition.
struct CallOp {
  std::string kind;
  std::string name;
  std::string function_path;
  std::string function_digest;
  std::int64_t batch_size = 122880;
  std::int64_t batch_bytes = 0;
  std::string batch_format;
  std::optional<Schema> schema;
  std::int64_t threads = 0;
  std::int64_t memory = 0;
  double gpus = 0;
  std::map<std::string, double> resources;
  std::int64_t concurrency = 0;
  bool operator==(const CallOp&) const = default;
};

/// Rows dealt anew.
struct RepartitionOp {
  enum class Kind {
    kFiles,   ///< Whole files (row groups when there are fewer).
    kRows,    ///< Runs of equal row counts.
    kHash,    ///< By the hash of `keys` (expressions).
    kNumber,  ///< `keys[0]` (an expression) is the partition number.
    kRandom,  ///< By chance, from `seed`.
    kConsolidate,  ///< Runs of whole partitions become one each; rows stay where they are.
    kRepeat,  ///< Each of `count` partitions holds all rows.
    kRange,   ///< In the order of `keys`: partition by partition. The second input's only value is the sorted bounds.
  };
  Kind kind = Kind::kFiles;
  std::int64_t count = 1;
  std::vector<std::string> keys;
  std::vector<std::string> orders;  ///< kRange: "DESC NULLS LAST", one for each key.
  bool splits_ties = false;         ///< kRange: rows of equal keys may be dealt to neighbours, so that none holds too many.
  std::uint64_t seed = 0;
  std::vector<std::int64_t> targets;  ///< kFiles: the partition of each file of the scan below; empty: runs of equal number.
  bool nested = false;  ///< Each partition is dealt into `count` of its own (kHash, kNumber, kRandom).
  bool operator==(const RepartitionOp&) const = default;
};

/// The partitions of all inputs, one after the other.
struct UnionOp {
  bool operator==(const UnionOp&) const = default;
};

/// Any `count` rows, those of the first partitions first. One partition.
struct LimitOp {
  std::int64_t count = 0;
  bool operator==(const LimitOp&) const = default;
};

/// Files for the user. Its own rows are (path, rows, bytes) of what was written.
struct WriteOp {
  std::string path;           ///< Absolute.
  WriteFilesOptions options;
  std::int64_t sequence = 0;  ///< Tells one append or overwrite from a later one that would do the same again.
};

using Op = std::variant<ScanOp, ValuesOp, PartialSqlOp, CallOp, RepartitionOp, UnionOp, LimitOp, WriteOp>;

struct Node;
using NodePtr = std::shared_ptr<const Node>;

/// One operation of a logical plan. A value: shared, never changed, nothing in it is alive.
struct Node {
  Op op;
  std::vector<NodePtr> inputs;
  std::optional<Schema> schema;  ///< Absent above a function whose schema was not declared.
  Partitioning partitioning;
  std::string name;              ///< The user's word for it: "partial_sql".
  std::string location;          ///< The user's source line.
  /// XXH3-128 (hex) over the operation and its inputs' fingerprints: equal for equal work on equal input.
  std::string fingerprint;
};

/// Makes a node and computes its fingerprint.
NodePtr make_node(Op op, std::vector<NodePtr> inputs, std::optional<Schema> schema, Partitioning partitioning,
                  std::string name, std::string location);

/// `node` with its rows at hand: the same fingerprint and meaning, nothing left to compute.
NodePtr with_values(const NodePtr& node, ValuesOp values, Schema schema);

/// The same operation over other inputs.
NodePtr with_inputs(const NodePtr& node, std::vector<NodePtr> inputs);

/// The operation's snake_case name: "scan", "values", "partial_sql", "call", "repartition", "union", "limit", "write".
std::string_view op_name(const Op& op);

/// The operation alone, without its inputs.
Json op_to_json(const Op& op);
/// The whole plan: {"nodes": [...]} in order of dependence; a shared node stands once.
Json plan_to_json(const NodePtr& root);
/// A tree for people, root first, two spaces a level.
std::string plan_to_string(const NodePtr& root);

/// Whether a user's function stands in the plan.
bool has_call(const NodePtr& root);

std::string_view repartition_kind_name(RepartitionOp::Kind kind);

}  // namespace millpond
