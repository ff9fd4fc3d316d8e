#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millpond/arrow.h"
#include "millpond/export.h"
#include "millpond/options.h"
#include "millpond/result.h"
#include "millpond/schema.h"

namespace millpond {

class Session;
struct Node;

/// A lazy, partitioned table: a plan and the session that can run it. Copying is cheap; frames never change.
/// Making a frame runs nothing, but binds: a wrong column is kInvalidArgument now, at `location`, the user's source line.
/// Where a user's function without a declared schema stands below, binding waits until that is computed.
class MILLPOND_EXPORT DataFrame {
 public:
  // --- what it is
  /// The columns. Absent only after a function without a declared schema that is not computed yet.
  std::optional<Schema> schema() const;
  /// The columns, computing what is below if there is no other way to know them.
  Result<Schema> resolve_schema() const;
  std::int64_t num_partitions() const;
  /// "1 partition", "16 partitions by hash(ticker)".
  std::string partitioning() const;
  /// The logical plan, then the stages as a script of SQL that a DuckDB with millpond's functions can run, with what each
  /// reads, how many rows it may give by DuckDB's estimate, and where its rows go. Runs nothing, unless
  /// `options.analyze`: then the frame is computed, and each stage says its rows in and out, bytes written, the time of all
  /// tasks and of the slowest, how much the largest task is above the median, bytes spilled, and whose results were
  /// there already. What an earlier action of the session made is not made again; the text says so.
  Result<std::string> explain(const ExplainOptions& options = {}) const;
  /// The plan as JSON.
  std::string plan_json() const;

  // --- partition-wise work (`location`: the user's line)
  Result<DataFrame> repartition(std::int64_t npartitions, const RepartitionOptions& options = {},
                                const std::string& location = {}) const;
  Result<DataFrame> random_shuffle(std::optional<std::uint64_t> seed = {}, const std::string& location = {}) const;
  Result<DataFrame> partial_sort(const std::vector<std::string>& by, const std::string& location = {}) const;
  Result<DataFrame> filter(const std::string& condition, const std::string& location = {}) const;
  /// `projection` is a list of expressions, or a whole SELECT … FROM {0}.
  Result<DataFrame> map(const std::string& projection, const std::string& location = {}) const;
  Result<DataFrame> partial_sql(const std::string& query, const std::vector<DataFrame>& others = {},
                                const std::string& location = {}) const;
  Result<DataFrame> call(const CallOptions& options, const std::string& location = {}) const;
  Result<DataFrame> select(const std::vector<std::string>& expressions, const std::string& location = {}) const;
  Result<DataFrame> with_columns(const std::vector<std::pair<std::string, std::string>>& columns,
                                 const std::string& location = {}) const;
  Result<DataFrame> drop(const std::vector<std::string>& columns, const std::string& location = {}) const;
  Result<DataFrame> rename(const std::vector<std::pair<std::string, std::string>>& names,
                           const std::string& location = {}) const;
  /// Rows of several frames with the same columns, their partitions one after the other.
  Result<DataFrame> union_all(const std::vector<DataFrame>& others, const std::string& location = {}) const;

  // --- global work: over all rows, whatever the partitions. Keys, aggregates and conditions are SQL. Each is one query for
  // Session::sql, which spreads a query when it is told to.
  /// The rows beside those of another frame that match; `options` says which do, and what becomes of others.
  Result<DataFrame> join(const DataFrame& other, const JoinOptions& options, const std::string& location = {}) const;
  /// One row for each value of `group_by` ("day", "price > 3 AS dear"), first its columns, then the aggregates
  /// ("count(*) AS n"). Without groups one row, also of no rows.
  Result<DataFrame> aggregate(const std::vector<std::string>& aggregates, const std::vector<std::string>& group_by = {},
                              const std::string& location = {}) const;
  /// All rows in the order of `by` ("price DESC NULLS FIRST"). NULLs come last unless told otherwise.
  Result<DataFrame> sort(const std::vector<std::string>& by, const std::string& location = {}) const;
  /// The k rows with the largest values of `by`, the largest first, NULLs last. Of rows with equal values, any.
  Result<DataFrame> top_k(std::int64_t k, const std::string& by, const std::string& location = {}) const;
  /// Each row once; with `subset`, one row (any) for each value of these.
  Result<DataFrame> distinct(const std::vector<std::string>& subset = {}, const std::string& location = {}) const;
  /// The rows of both frames, columns matched by name; NULL where a frame has no such column.
  Result<DataFrame> union_by_name(const DataFrame& other, const std::string& location = {}) const;
  /// The rows that are in both frames, each once, columns matched by position; NULL is equal to NULL.
  Result<DataFrame> intersect(const DataFrame& other, const std::string& location = {}) const;
  /// The rows that are not in another frame, each once, columns matched by position; NULL is equal to NULL.
  Result<DataFrame> except_(const DataFrame& other, const std::string& location = {}) const;
  /// Each row beside the nearest row of another frame in the order of what is compared, or beside NULLs. No frame needs to
  /// be sorted.
  Result<DataFrame> join_asof(const DataFrame& other, const AsofJoinOptions& options, const std::string& location = {}) const;
  /// Adds columns (name, SQL), or replaces those of the same name, by expressions that see all rows: window functions.
  Result<DataFrame> with_window(const std::vector<std::pair<std::string, std::string>>& columns,
                                const std::string& location = {}) const;
  /// A column for each value of `options.on`, a row for each of its index, and there the aggregate; NULL (or 0 for a count)
  /// where no row is.
  Result<DataFrame> pivot(const PivotOptions& options, const std::string& location = {}) const;
  /// A row for each of the columns `options.on`, with the column's name and its value, NULL too. Keeps the partitions. The
  /// values must fit one type.
  Result<DataFrame> unpivot(const UnpivotOptions& options = {}, const std::string& location = {}) const;
  /// DuckDB's unnest: a struct's fields become columns in its place, a list's elements rows. Rows whose lists have no
  /// elements vanish. Keeps the partitions.
  Result<DataFrame> unnest(const std::vector<std::string>& columns, const std::string& location = {}) const;
  /// A row for each element of list columns, side by side, the shorter list filled with NULL; a row whose lists are empty or
  /// NULL stays, with NULL. Keeps the partitions.
  Result<DataFrame> explode(const std::vector<std::string>& columns, const std::string& location = {}) const;
  /// So many rows by chance, in any order, or each with the same chance. The same frame gives the same sample again.
  Result<DataFrame> sample(const SampleOptions& options, const std::string& location = {}) const;
  /// How many rows have each value of a column or expression, the most frequent first; the number is called `name`.
  Result<DataFrame> value_counts(const std::string& column, const std::string& name = "count", const std::string& location = {}) const;
  /// A row for each column: its type, smallest and largest value, mean, quartiles, NULLs. DuckDB's SUMMARIZE.
  Result<DataFrame> summarize(const std::string& location = {}) const;
  /// The same as summarize().
  Result<DataFrame> describe(const std::string& location = {}) const { return summarize(location); }
  /// Puts values (column, SQL) where a column is NULL; its type may widen. Keeps the partitions.
  Result<DataFrame> fill_null(const std::vector<std::pair<std::string, std::string>>& values, const std::string& location = {}) const;
  /// The rows without NULL in any column, or in those of `subset`. Keeps the partitions.
  Result<DataFrame> drop_nulls(const std::vector<std::string>& subset = {}, const std::string& location = {}) const;
  /// Any n rows: of the first partitions first.
  Result<DataFrame> limit(std::int64_t n, const std::string& location = {}) const;

  // --- writing
  /// A lazy frame whose computation writes the files; its rows are the paths, rows and bytes written.
  Result<DataFrame> write_lazy(const std::string& path, const WriteFilesOptions& options = {},
                               const std::string& location = {}) const;
  /// Writes now.
  Status write(const std::string& path, const WriteFilesOptions& options = {}, const std::string& location = {}) const;

  // --- actions
  /// Runs the plan and keeps the result for later actions of this session.
  Status compute() const;
  /// Drops the kept result, so that the next action computes anew.
  Status recompute() const;
  bool is_computed() const;
  Result<std::int64_t> count() const;
  /// The rows in partition order, pulled lazily from what was computed. A stream can only tell an errno and a text when it
  /// breaks off; `failure`, if given, receives the whole Status then.
  Result<ArrowStream> to_arrow(std::shared_ptr<Status> failure = {}) const;
  /// The rows of one partition.
  Result<ArrowStream> to_arrow_partition(std::int64_t partition, std::shared_ptr<Status> failure = {}) const;

  /// Rows of this frame and its session.
  const std::shared_ptr<const Node>& node() const { return node_; }
  const std::shared_ptr<Session>& session() const { return session_; }
  DataFrame(std::shared_ptr<Session> session, std::shared_ptr<const Node> node)
      : session_(std::move(session)), node_(std::move(node)) {}

 private:
  std::shared_ptr<Session> session_;
  std::shared_ptr<const Node> node_;
};

}  // namespace millpond
