#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/scan_options.h"
#include "data/schema.h"
#include "data/slice.h"
#include "millpond/file_bounds.h"
#include "millpond/options.h"
#include "task/task.h"

namespace millpond {

/// Where a stage's input partitions come from: pinned slices, another stage, or a rearrangement of such. A value.
struct Source {
  enum class Kind {
    kStatic,     ///< Slices known at planning.
    kStage,      ///< What the tasks of a stage wrote.
    kConcat,     ///< The partitions of all children, one after the other.
    kSplitRows,  ///< All rows of the child in `count` runs of equal length.
    kGather,     ///< The child's partitions in `count` runs, each run as one partition.
    kRepeat,     ///< All rows of the child, `count` times.
  };
  Kind kind = Kind::kStatic;
  std::int64_t count = 1;                           ///< Partitions this source has.
  std::vector<std::vector<Slice>> partitions;       ///< kStatic.
  std::optional<ScanOptions> scan;                  ///< kStatic over files.
  std::shared_ptr<const FileBounds> bounds;         ///< kStatic over files: what is known of them; may be null.
  std::int64_t files_left_out = 0;                  ///< kStatic over files: by these and the stage's filters.
  bool is_kept = false;                             ///< kStatic: an earlier action of the session made the rows.
  std::int64_t stage = -1;                          ///< kStage.
  bool is_shuffled = false;                         ///< kStage: a partition is in every task's file; else task i wrote partition i.
  bool is_nested = false;                           ///< kStage, shuffled: each task's partitions are partitions of their own.
  std::vector<std::shared_ptr<const Source>> children;
};
using SourcePtr = std::shared_ptr<const Source>;

/// One relation of a stage's query.
struct StageInput {
  std::string name;        ///< "in0".
  Schema schema;
  SourcePtr source;
  std::int64_t divisor = 1;  ///< Task i reads partition i / divisor: 1 side by side, the number of tasks to broadcast.

  bool is_broadcast() const { return source->count == 1 && divisor > 1; }
  /// Each task reads the partition of its number.
  bool is_side_by_side() const { return divisor == 1 && source->count > 1; }
};

/// User files that a stage writes.
struct StageWrite {
  std::string path;        ///< Absolute.
  WriteFilesOptions options;
};

/// The same statement over many partitions.
struct Stage {
  std::int64_t id = 0;
  std::string name;                     ///< For people: "repartition", "write_parquet".
  std::string location;                 ///< The user's line.
  std::vector<std::string> setup;
  std::string query;                    ///< Over the inputs' names.
  /// The rows of `query` without what only tells where they go, for people: any DuckDB can run it. Empty: it is `query`.
  std::string rows_query;
  std::vector<StageInput> inputs;       ///< At least one unless the query needs none.
  std::int64_t tasks = 1;
  std::optional<CallSpec> call;
  std::int64_t concurrency = 0;         ///< Tasks at once; 0: no limit.
  std::optional<Placement> placement;   ///< Set unless `write` is.
  bool is_nested = false;               ///< Each task's partitions are partitions of their own.
  std::optional<StageWrite> write;
  std::optional<Schema> schema;         ///< Of what it writes, when known.
  bool is_volatile = false;             ///< Another attempt may give other rows.
  bool is_repeatable = true;            ///< Run later, it gives the same rows; a user's function is taken at its word.
  /// Its tasks may be given its inputs' partitions by what is in them, instead of one each: see share_partitions().
  bool shares_partitions = false;
  std::vector<std::size_t> divisible_inputs;  ///< Of these inputs, several tasks may each read a part of one partition.
  std::int64_t early_stop_rows = -1;    ///< This many rows of the first tasks are enough; -1: all are needed.
  std::string fingerprint;              ///< Of the plan node whose rows this stage holds; empty for inner pieces.
  Resources resources;
};

/// What a planned frame turned into: stages in order of dependence, and where each root's partitions lie.
struct StageGraph {
  struct Root {
    std::string fingerprint;
    std::optional<Schema> schema;
    SourcePtr source;
  };
  std::vector<Stage> stages;
  std::vector<Root> roots;
};

SourcePtr static_source(std::vector<std::vector<Slice>> partitions, std::optional<ScanOptions> scan);
/// The same files in other partitions.
SourcePtr with_partitions(const Source& source, std::vector<std::vector<Slice>> partitions);
SourcePtr stage_source(const Stage& stage);
SourcePtr concat_source(std::vector<SourcePtr> children);
SourcePtr split_rows_source(SourcePtr child, std::int64_t count);
SourcePtr gather_source(SourcePtr child, std::int64_t count = 1);
SourcePtr repeat_source(SourcePtr child, std::int64_t count);

/// Whether all its slices can be read as one relation: only segments, or only files with the same options.
bool is_uniform(const Source& source);

/// The stages that a source reads from.
std::vector<std::int64_t> stages_of(const Source& source);

}  // namespace millpond
