#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "data/scan_options.h"
#include "data/schema.h"
#include "data/slice.h"

namespace millpond {

/// Bumped whenever an older worker could misread a task or its result.
inline constexpr std::int64_t kTaskVersion = 1;

/// One relation a task reads: the view `name` over pinned slices, with exactly the columns of `schema`.
struct TaskInput {
  std::string name;  ///< "in0", the name that the task's query uses.
  Schema schema;
  std::optional<ScanOptions> scan;  ///< Set when the slices are files; absent for exchange segments.
  std::vector<Slice> slices;        ///< May be empty: zero rows with this schema.

  bool operator==(const TaskInput&) const = default;
};

/// How the rows of an exchange file are dealt to partitions.
struct Placement {
  enum class Kind {
    kSingle,      ///< All rows to partition 0.
    kHash,        ///< millpond_partition(count, keys…), see docs/partition-hash.md.
    kExpression,  ///< keys[0] names an integer column that holds the partition number itself.
    kRandom,      ///< By a hash of (seed, task partition, row number): the same rows go the same way again.
  };
  Kind kind = Kind::kSingle;
  std::vector<std::string> keys;             ///< Column names of the query's result.
  std::int64_t count = 1;                    ///< Number of partitions, at least 1.
  std::uint64_t seed = 0;                    ///< For kRandom.
  std::vector<std::string> dropped_columns;  ///< Columns of the query's result that only served placement: not written.

  bool operator==(const Placement&) const = default;
};

/// How files for the user are written.
struct WriteOptions {
  FileFormat format = FileFormat::kParquet;
  std::vector<std::string> partition_by;            ///< Hive-style folders.
  std::int64_t max_rows_per_file = 0;               ///< 0: no limit.
  bool single_file = false;                         ///< One file instead of a folder.
  std::string compression;                          ///< Empty: the format's default.
  std::map<std::string, std::string> copy_options;  ///< More options for DuckDB's COPY, as SQL literals.

  bool operator==(const WriteOptions&) const = default;
};

/// Where a task's rows go. Exactly one of `exchange` and `files` is set.
struct TaskOutput {
  /// Made by the task when it is not there. For `files` the attempt's own.
  std::string directory;
  /// The attempt's own file in `directory`, which the attempts of a job share; only for `exchange`. A folder for each would
  /// double what a small task costs.
  std::string exchange_file;
  std::optional<Placement> exchange;
  std::optional<WriteOptions> files;

  bool operator==(const TaskOutput&) const = default;
};

/// A user's Python function over the stream of input rows. The driver ships the function as a file in the job's folder.
struct CallSpec {
  std::string kind;             ///< CallOptions::kind: how rows are handed over.
  std::string function_path;    ///< The pickled function, private to the user.
  std::string function_digest;  ///< XXH3-128 of that file in hex; part of the task's fingerprint.
  std::int64_t batch_size = 122880;
  std::string batch_format = "pyarrow";
  std::string name;              ///< For messages.
  std::optional<Schema> schema;  ///< What the user declared; absent: taken from the first batch.
  std::int64_t batch_bytes = 0;  ///< 0: no limit.

  bool operator==(const CallSpec&) const = default;
};

struct Resources {
  std::int64_t threads = 0;       ///< 0: the runner's choice.
  std::int64_t memory_bytes = 0;  ///< 0: the runner's choice.
  double gpus = 0;                ///< Fractions share one.
  std::map<std::string, double> custom{};  ///< By name, as the user calls them: {"tpu", 1}. Never clamped.

  bool operator==(const Resources&) const = default;
};

/// One unit of work: a SQL statement over named inputs, or a Python function over one input. A value; nothing in it is
/// alive.
struct Task {
  std::int64_t version = kTaskVersion;
  std::int64_t id = 0;  ///< Unique in the job.
  std::int64_t stage = 0;
  std::int64_t partition = 0;
  std::string attempt;             ///< Unique name of this attempt.
  std::vector<std::string> setup;  ///< Statements run first, on the task's own connection: SET, macros.
  std::string query;               ///< A SELECT over the inputs' names; for a call, over the call's input.
  std::vector<TaskInput> inputs;
  std::optional<CallSpec> call;  ///< When set, the rows of `query` go through it.
  TaskOutput output;
  Resources resources;
  std::uint64_t seed = 0;
  std::string location;  ///< The user's source line, for messages.
  std::string node;      ///< The operation, for messages.

  bool operator==(const Task&) const = default;
};

/// A file that a task made. Descriptors travel; nobody lists directories to find data.
struct OutputFile {
  std::string path;  ///< Relative to the attempt's directory.
  std::int64_t num_bytes = 0;
  std::int64_t num_rows = 0;
  std::string digest;  ///< Exchange: XXH3-128 of the index; files: XXH3-128 of the content. Hex.
  /// Exchange files: rows and bytes of each partition that has any.
  struct Segment {
    std::int64_t partition = 0;
    std::int64_t num_rows = 0;
    std::int64_t num_bytes = 0;
    bool operator==(const Segment&) const = default;
  };
  std::vector<Segment> segments;

  bool operator==(const OutputFile&) const = default;
};

/// What a task used and did.
struct TaskMetrics {
  double seconds = 0;
  std::int64_t rows_in = 0;
  std::int64_t rows_out = 0;
  std::int64_t bytes_out = 0;
  std::int64_t peak_memory_bytes = 0;
  std::int64_t spill_bytes = 0;
  std::string worker;  ///< Which process ran it.

  bool operator==(const TaskMetrics&) const = default;
};

/// A finished attempt: either files and metrics, or a failed status.
struct TaskResult {
  std::int64_t version = kTaskVersion;
  std::int64_t task = 0;
  std::string attempt;
  Status status;
  Schema schema;          ///< Of the rows that were written.
  std::string directory;  ///< Of the task's output.
  std::vector<OutputFile> files;  ///< One, when the task wrote an exchange file.
  TaskMetrics metrics;

  std::string path_of(const OutputFile& file) const { return directory + "/" + file.path; }

  bool operator==(const TaskResult&) const = default;
};

Json task_to_json(const Task& task);
Result<Task> task_from_json(const Json& json);
Json task_result_to_json(const TaskResult& result);
Result<TaskResult> task_result_from_json(const Json& json);
Json status_to_json(const Status& status);
Status status_from_json(const Json& json);
Json placement_to_json(const Placement& placement);
Result<Placement> placement_from_json(const Json& json);
Json write_options_to_json(const WriteOptions& options);
Result<WriteOptions> write_options_from_json(const Json& json);
Json call_spec_to_json(const CallSpec& call);
Result<CallSpec> call_spec_from_json(const Json& json);

}  // namespace millpond
