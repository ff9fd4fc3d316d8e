#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millpond/object_store.h"
#include "millpond/schema.h"
#include "millpond/worker_launcher.h"

namespace millpond {

/// Default of SessionOptions::max_retries.
inline constexpr std::int64_t kDefaultMaxRetries = 3;

/// How a session works. Every field has the same name in Python, in the command line and in JSON.
/// A field left at its default is looked up in MILLPOND_<NAME>, then SP_<NAME>.
struct SessionOptions {
  /// Where job state, exchange data and reports lie; private to the user. A folder of this machine, or one of a store that
  /// can be written to ("s3://bucket/jobs"). Default: ~/.millpond/data.
  std::string data_root;
  /// With data_root on a store: the folder of each machine in which a job's processes keep what nobody else needs, such as
  /// what they spill. Default: ~/.millpond/data.
  std::string scratch;
  /// Names the job. The same program run again under the same id goes on where it stopped. Default: a new UUID.
  std::string job_id;
  std::string job_name;
  /// "threads" (default): this process. "inline": this thread. "processes": worker processes.
  std::string runner;
  /// Cores to use. 0: all that this process may use.
  std::int64_t threads = 0;
  /// Memory for all of the job on this machine, bytes. 0: 80 % of the cgroup's limit, else of the machine.
  std::int64_t memory_limit = 0;
  /// Gpus of this machine that tasks may use, as far as they ask for them (CallOptions::gpus). Workers see their own only.
  double gpus = 0;
  /// What else this machine has that tasks ask for by name (CallOptions::resources). Only counted.
  std::map<std::string, double> resources;
  /// Disk that results kept for reuse may fill, bytes: beyond it, those that were used longest ago are dropped, to be
  /// computed again when they are needed. 0: half of what is free where data_root lies.
  std::int64_t disk_quota = 0;
  /// Bytes of files that one task reads before its rows are dealt to partitions; a file is cut between its row groups
  /// (Parquet). What a failure costs and what a task keeps in memory follow from it. 0: 1 GiB where tasks use all threads,
  /// 64 MiB with worker processes.
  std::int64_t scan_task_bytes = 0;
  /// A spread query's partitions that hold less than this, encoded, are read by one task with their neighbours; one that
  /// holds far more than the others is read by several tasks where the query allows it. Which partition of the query's
  /// result a row is in may follow from that, their number does not. Bytes; 0: each task reads one partition; -1: 1 MB.
  std::int64_t min_task_bytes = -1;
  /// Attempts of a task after the first one before the job fails.
  std::int64_t max_retries = kDefaultMaxRetries;
  /// Whether a task that takes far longer than its neighbours is run a second time on another node, where there are several;
  /// the one that ends first counts, the other leaves nothing. Default: true.
  std::optional<bool> speculation;
  /// Reaches the stores beyond this machine's disks. Without one, a path with a scheme is an error. Python sets it.
  std::shared_ptr<ObjectStore> object_store;
  /// The program that a worker process runs; it gets the number of its socket as last argument. Python sets it.
  std::vector<std::string> worker_command;
  /// Set: workers live where it starts them, `runner` is "processes", and `worker_command` is not used.
  std::shared_ptr<WorkerLauncher> worker_launcher;
  /// Keep the job's folder whole when the session ends. Otherwise only the journal and log stay and, when a job with a given
  /// job_id has failed, what its finished tasks made, for the next run.
  bool keep = false;

  bool operator==(const SessionOptions&) const = default;
};

/// How rows are dealt to partitions. At most one of by, hash_by, range_by, by_rows, random, consolidate and repeat is set;
/// with none, whole files are dealt (row groups when there are fewer files than partitions).
struct RepartitionOptions {
  std::string by;                     ///< A column or expression that is the partition number itself, 0 … n-1.
  std::vector<std::string> hash_by;   ///< Columns or expressions: equal values go to the same partition.
  /// Columns or expressions as in ORDER BY ("ts DESC NULLS LAST"): partition by partition, rows follow each other in that
  /// order, and equal values go to the same partition. Within a partition rows are in no order. The bounds come from a
  /// sample, so partitions are about as large as each other unless single values have many rows. Reads the keys once more.
  std::vector<std::string> range_by;
  bool by_rows = false;               ///< Runs of equal row counts, in order.
  bool random = false;                ///< Each row to a partition by chance (but the same way on every attempt).
  bool consolidate = false;           ///< Runs of whole partitions become one each; no row is moved.
  bool repeat = false;                ///< Every partition holds all rows.
  /// Each partition is dealt into npartitions of its own (by, hash_by, random): the result still fits what the
  /// partitions were dealt like before, and frames that have only the outer dealing.
  bool nested = false;
  std::uint64_t seed = 0;
};

struct ReadOptions {
  bool recursive = false;             ///< A directory's sub-directories too.
  std::vector<std::string> columns;   ///< Only these, in this order, then `file_row_number` and `filename`; all when empty.
  bool union_by_name = false;         ///< Match columns by name, missing ones are NULL.
  std::optional<bool> hive_partitioning;  ///< Columns from key=value folders; absent: when all paths have them.
  bool filename = false;              ///< Add the column `filename`.
  bool file_row_number = false;       ///< Add the column `file_row_number` (Parquet).
  bool allow_empty = false;           ///< A pattern that matches nothing gives zero rows (needs `schema`) instead of an error.
  /// Only files that no finished run of this name has read as they are now (by path, size and time). See Session::finish.
  std::string new_only;
  /// CSV and JSON: names and types; empty: inferred. A CSV line at the head that holds these names is a header, no row,
  /// unless the reader option `header` says otherwise. Parquet: types of key=value folders where it names all their keys.
  Schema schema;
  /// DuckDB's reader options as SQL literals ({"delim", "'|'"}). Parquet: with `schema`, a map of columns, files may differ.
  std::map<std::string, std::string> reader_options;
};

enum class WriteMode {
  kError,      ///< An output that exists is an error (unless this very job wrote it).
  kOverwrite,  ///< The old data stays whole until the new is complete, then they are swapped in one step.
  kAppend,     ///< New files beside the old.
};

struct WriteFilesOptions {
  std::string format = "parquet";     ///< "parquet", "csv" or "json".
  WriteMode mode = WriteMode::kError;
  std::vector<std::string> partition_by;  ///< Columns that become key=value folders.
  std::vector<std::string> sort_by;       ///< Order within each file, so that later reads prune.
  std::int64_t max_rows_per_file = 0;     ///< 0: sensible sizes without being told.
  bool single_file = false;               ///< `path` is one file instead of a folder.
  bool write_empty_files = false;         ///< A file for each empty partition too.
  std::string compression;                ///< Empty: the format's default.
  std::map<std::string, std::string> copy_options;
};

/// Whether a global query is spread over partitions and tasks.
enum class Distribute {
  kAuto,    ///< Where it pays. On one machine DuckDB runs the query whole, with all its threads.
  kAlways,  ///< Wherever rows need not come together.
  kNever,   ///< One task.
};

struct SqlOptions {
  Distribute distribute = Distribute::kAuto;
  std::int64_t partitions = 0;  ///< Of what is spread; 0: one a thread of the session.
  /// A join's side of at most so many rows (by estimate) is read by every task, instead of moving both sides by their keys.
  /// 0: never, where a join can do without; -1: 20,000 rows, and more beside a much larger side. As many rows to be sorted
  /// come to one task; with -1: 100,000.
  std::int64_t broadcast_limit = -1;
};

struct JoinOptions {
  std::vector<std::string> on;  ///< Columns of both frames that must be equal; each is one column of the result.
  /// "inner"; "left", "right", "full": whose rows are kept without a match, beside NULLs; "semi", "anti": the left frame's
  /// rows with a match, or without one; "cross": each with each.
  std::string how = "inner";
  std::string condition;           ///< SQL over "left" and "right" (quoted: they are words of SQL), besides `on` or instead.
  std::string suffix = "_right";   ///< Added to names of the right frame that the left has too.
};

struct AsofJoinOptions {
  std::string left_on;             ///< What is compared: SQL over the left frame's columns …
  std::string right_on;            ///< … and over the right's. Both columns stay in the result.
  std::vector<std::string> by;     ///< Columns of both frames that must be equal; each is one column of the result.
  std::string strategy = "backward";  ///< The last row "backward", at or before; the first "forward", at or after.
  bool allow_exact_matches = true;    ///< Or strictly before or after.
  std::string suffix = "_right";      ///< Added to names of the right frame that the left has too.
};

struct PivotOptions {
  std::string on;                  ///< SQL whose values become columns.
  std::string value;               ///< SQL that is aggregated.
  std::string aggregate;           ///< A function's name: "sum".
  std::vector<std::string> index;  ///< SQL, one row of the result for each of its values; none: one row.
  /// Names of the new columns and the values of `on` that they stand for, as SQL: {"2024", "2024"}, {"none", "NULL"}.
  std::vector<std::pair<std::string, std::string>> columns;
};

struct UnpivotOptions {
  std::vector<std::string> on;     ///< Columns that become rows; empty: all that are not `index`.
  std::vector<std::string> index;  ///< Columns that stay beside them; empty: all that are not `on`.
  std::string variable_name = "variable";
  std::string value_name = "value";
};

struct SampleOptions {
  std::int64_t n = -1;    ///< So many rows; -1: each with the chance `fraction`.
  double fraction = -1;   ///< 0 to 1.
  std::int64_t seed = 0;  ///< Another gives another sample.
};

struct ExplainOptions {
  /// Runs the frame, and says of each stage what its tasks read, wrote and took.
  bool analyze = false;
};

/// A user's function in another language over the rows of a frame, run in worker processes.
struct CallOptions {
  /// "map", "filter", "flat_map", "map_batches", or "partition_numbers": the rows as they are and, as a last BIGINT
  /// column, the number of the partition that each is to go to.
  std::string kind = "map_batches";
  std::string function;               ///< The pickled function, bytes.
  std::string name;                   ///< For messages.
  std::int64_t batch_size = 122880;   ///< Rows of a batch at most.
  std::int64_t batch_bytes = 0;       ///< Bytes of a batch at most (but always a row); 0: no limit.
  std::string batch_format = "pyarrow";
  std::optional<Schema> schema;       ///< Absent: known only once computed.
  std::int64_t threads = 0;
  std::int64_t memory = 0;
  double gpus = 0;                    ///< Of its own for each partition worked on; less than one is shared with others.
  std::map<std::string, double> resources;  ///< Others that a partition needs, by names given to sessions or nodes.
  std::int64_t concurrency = 0;       ///< Partitions worked on at once; 0: as many as there are workers.
};

/// One line of what a running job has done.
struct ProgressEvent {
  std::string stage;                  ///< "repartition (hash ticker)".
  std::int64_t stage_id = 0;
  std::int64_t tasks_done = 0;
  std::int64_t tasks_total = 0;
  std::int64_t rows = 0;              ///< Written by this stage so far.
  std::int64_t bytes = 0;
  double seconds = 0;                 ///< Since the job began.
  bool finished = false;              ///< The last event of the job.
};
using ProgressCallback = std::function<void(const ProgressEvent&)>;

}  // namespace millpond
