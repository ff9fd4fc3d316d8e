#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/scan_options.h"
#include "data/schema.h"
#include "data/slice.h"
#include "millpond/arrow.h"
#include "millpond/result.h"
#include "sql/cut/cut_plan.h"
#include "sql/query_traits.h"
#include "storage/file_system.h"
#include "task/task.h"

namespace millpond {

struct EngineOptions {
  std::int64_t threads = 0;              ///< 0: all cores this process may use.
  std::int64_t memory_limit_bytes = 0;   ///< 0: 80 % of the cgroup's or the machine's memory.
  std::string temp_directory;            ///< Where DuckDB spills; empty: no spilling.
  bool planner = false;                  ///< Switch off the optimizer passes whose plans can't be cut.
};

/// Hands a stream through a user's function: takes the input stream, gives the output stream. The function is called on
/// a thread of the engine; it must take what locks (the GIL) it needs itself.
using CallHandler = std::function<Result<ArrowStream>(const CallSpec& call, ArrowStream input, const Task& task)>;

/// What DuckDB knows of all values of a column: least, greatest, whether there is NULL. In DuckDB's own serialization, in
/// base 64; for the same DuckDB that made it.
struct ColumnStatistics {
  std::string column;
  std::string text;

  bool operator==(const ColumnStatistics&) const = default;
};

/// One relation known to the binder: its name in the query and its columns.
struct BoundInput {
  std::string name;
  Schema schema;
  std::int64_t num_rows = -1;        ///< For the order of joins; -1: not known.
  std::int64_t num_partitions = 1;
  std::vector<ColumnStatistics> statistics = {};  ///< Of some columns, true for all rows: DuckDB guesses better by them.
  /// How rows lie in the partitions.
  struct Placement {
    std::vector<std::string> keys;  ///< Columns that a row's partition follows from: equal in all, in one partition.
    /// How it follows from them. Empty: by the partition hash, in as many partitions as CutOptions has. Inputs of equal
    /// identity have rows of equal keys (one by one, in their order) in partitions of the same number.
    std::string identity;
    struct Range {
      std::string column;
      std::string order;  ///< "ASC NULLS LAST".
    };
    std::vector<Range> ranges;  ///< No row comes before one of an earlier partition in this order.
  };
  std::optional<Placement> placement = {};
};

/// One term of an ORDER BY.
struct OrderTerm {
  std::string expression;
  std::string column;  ///< Its name when the expression is a column, else empty.
  std::string order;   ///< "DESC NULLS FIRST".
};

/// One DuckDB instance with our table and copy functions registered. The only way to DuckDB.
/// Thread-safe: each call works on a connection of its own. Opening one takes about 15 ms.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> open(const EngineOptions& options, std::shared_ptr<FileSystem> files);
  ~Engine();

  /// The columns `query` gives over inputs of these columns, and what it does with their rows, without running anything.
  /// `setup` statements are run first, over empty inputs. A name that stands twice is renamed as DuckDB does when it makes
  /// a table: a, a_1. Which columns it reads takes an optimized plan, and is left out unless asked for.
  /// kInvalidArgument with DuckDB's text, the candidates and "did you mean" when it does not bind. 0.3 to 2 ms, and as
  /// much again for the columns it reads.
  Result<InspectedQuery> inspect(const std::string& query, const std::vector<BoundInput>& inputs,
                                 const std::vector<std::string>& setup = {}, bool with_used_columns = true);

  /// Only its columns.
  Result<Schema> bind(const std::string& query, const std::vector<BoundInput>& inputs,
                      const std::vector<std::string>& setup = {});

  /// The tables that a query reads and does not define itself, as they are written in it, in order of their names.
  Result<std::vector<std::string>> table_names(const std::string& query);

  /// Cuts a query where rows must move between partitions: the optimized plan as steps, each one SELECT. The engine
  /// must be one for planning. kUnsupported when a part of the plan can't be written as SQL; the query can still run whole.
  Result<CutPlan> cut(const std::string& query, const std::vector<BoundInput>& inputs, const CutOptions& options = {});

  /// The key=value folders of an input's files, one file of each, and the columns that they are.
  struct FolderQuestion {
    std::string input;
    Schema columns;
    std::vector<std::string> paths;
  };
  struct FolderAnswer {
    std::vector<bool> is_read;  ///< Of each folder; not, where the query's filters on these columns let none of its rows pass.
    std::vector<std::vector<std::string>> values;  ///< Of each folder, for each column: equal texts are equal values.
  };
  /// Which folders of inputs the query reads rows of, and their values of the columns' types, as DuckDB takes them from
  /// the paths. The engine must be one for planning. As long as planning takes, and some microseconds a folder.
  Result<std::vector<FolderAnswer>> read_folders(const std::string& query, const std::vector<BoundInput>& inputs,
                                                 const std::vector<FolderQuestion>& questions);

  /// How many rows the query gives over inputs of so many rows, as DuckDB's optimizer estimates. About 1 ms.
  Result<std::int64_t> estimate_rows(const std::string& query, const std::vector<BoundInput>& inputs,
                                     const std::vector<std::string>& setup = {});

  /// The statements of a script, each without its semicolon. kInvalidArgument with the place when it does not parse.
  Result<std::vector<std::string>> split_statements(const std::string& script);

  /// The terms of an ORDER BY list. NULLs are last unless it says otherwise. kInvalidArgument when it does not parse, and for
  /// a collation: keys are compared as they are.
  Result<std::vector<OrderTerm>> parse_order(const std::string& list);

  /// Runs one task to its end and says what it wrote; errors are in the result. `cancel` is looked at between chunks.
  /// Everything lies below task.output.directory, which is made; after an error it may hold unfinished files.
  /// A task without rows still writes one file with the schema, unless it writes folders by `partition_by`.
  TaskResult run_task(const Task& task, const CallHandler& handler, const std::atomic<bool>& cancel);

  /// What goes with a stream of rows.
  struct ReadContext {
    std::shared_ptr<const void> keep_alive;  ///< Let go of with the stream.
    std::shared_ptr<Status> failure;         ///< Receives why the stream broke off, if given.
    ErrorContext place;                      ///< Stands on every error.
    std::optional<Schema> schema;            ///< The rows' columns, if they are known: saves looking at them first.
  };
  /// The rows of `query` over the inputs as a stream, pulled lazily on the caller's thread. The stream may outlive the
  /// engine. What Arrow would change without a word (BIT, TIME WITH TIME ZONE, UHUGEINT) comes as text. Errors while
  /// pulling come as stream_errno() and get_last_error, a damaged input file by its name.
  Result<ArrowStream> read(const std::string& query, const std::vector<TaskInput>& inputs, ReadContext context = {});

  /// The first row of `query` over the inputs, each value as DuckDB's text of it, NULL as nothing; empty when there is no row.
  Result<std::vector<std::optional<std::string>>> first_row(const std::string& query, const std::vector<TaskInput>& inputs);

  /// Writes a stream as one exchange file of one partition in `directory`, which is made.
  /// The schema is what DuckDB makes of the stream's types.
  Result<TaskResult> write_exchange(ArrowStream stream, const std::string& directory);

  /// What a set of files holds: columns, pinned reader options, rows a file where the format tells.
  struct FileSet {
    Schema schema;
    ScanOptions options;
    std::vector<FileSlice> files;
  };
  /// Looks into files (sizes and times filled by the caller). Parquet: every footer is read; others: sniffed.
  /// A file that differs from the first is an error that names both, unless options.union_by_name.
  Result<FileSet> describe(std::vector<FileSlice> files, ScanOptions options, const Schema& declared);

  /// What the footers of Parquet files say of their columns; nothing of other formats. A column is left out when a
  /// footer does not say. Reads footers that were not read since the engine opened.
  Result<std::vector<ColumnStatistics>> column_statistics(const std::vector<FileSlice>& files, const ScanOptions& options);

  /// Whether a format holds all values of these columns; kInvalidArgument with the column and the cast to use when not.
  Status check_writable(const Schema& schema, FileFormat format);

  /// Row groups of a Parquet file as row ranges, in order.
  Result<std::vector<RowRange>> row_groups(const FileSlice& file);

  /// Whether each line of a JSON file is an object of its own, so that tasks may read some lines each: as the reader's options say,
  /// or as its first line (up to 1 MiB) looks. Never of a compressed file, or where rows have numbers or the file's name.
  Result<bool> holds_lines(const FileSlice& file, const ScanOptions& options);

  /// DuckDB's version, "v2.0.0".
  std::string duckdb_version() const;

  /// What the functions of this module share. Not for other modules.
  class Impl;

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millpond
