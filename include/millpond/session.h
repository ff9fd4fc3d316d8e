#pragma once

#include <memory>
#include <string>
#include <vector>

#include "millpond/arrow.h"
#include "millpond/dataframe.h"
#include "millpond/export.h"
#include "millpond/file_bounds.h"
#include "millpond/options.h"
#include "millpond/result.h"

namespace millpond {

class FileSystem;

/// A frame under the name that a query has for it.
struct SqlTable {
  std::string name;
  DataFrame frame;
};

/// Where frames are made and run. Holds one engine, one runner and one job folder under data_root.
/// Thread-safe. Frames keep their session alive.
class MILLPOND_EXPORT Session : public std::enable_shared_from_this<Session> {
 public:
  /// Opens a session; nothing is started but this process's engine. kInvalidArgument for an unknown runner or scheme,
  /// kPermissionDenied for a data_root that others may write to.
  static Result<std::shared_ptr<Session>> open(SessionOptions options = {});
  ~Session();

  /// Frames over files. `paths` may be patterns (* ? [a-z] **), directories or literal paths; a path that matches nothing
  /// is kNotFound. Any number of files is one partition. `location` is the user's source line, for messages.
  Result<DataFrame> read_parquet(const std::vector<std::string>& paths, const ReadOptions& options = {},
                                 const std::string& location = {});
  Result<DataFrame> read_csv(const std::vector<std::string>& paths, const ReadOptions& options = {},
                             const std::string& location = {});
  Result<DataFrame> read_json(const std::vector<std::string>& paths, const ReadOptions& options = {},
                              const std::string& location = {});

  /// read_parquet of the files of a table, whose records tell `bounds` of them: those that no row of can pass a query's
  /// filters by these are not read. They are trusted.
  Result<DataFrame> read_table_files(const std::vector<std::string>& paths, const ReadOptions& options, FileBounds bounds,
                                     const std::string& location = {});

  /// A frame over data in memory; the stream is read to its end now and kept in the job's folder.
  Result<DataFrame> from_arrow(ArrowStream stream, const std::string& location = {});

  /// One SELECT run in each partition. {0}, {1} … stand for the inputs; an input of one partition is broadcast; others must be
  /// partitioned alike, else kInvalidArgument says how to mend it. Braces inside literals are left alone.
  /// Without inputs the query runs once. Several statements separated by semicolons: all run, the last gives the rows.
  Result<DataFrame> partial_sql(const std::string& query, const std::vector<DataFrame>& inputs,
                                const std::string& location = {});

  /// One SELECT over all rows of the tables, which it reads by their names, whatever their partitions.
  /// A table whose columns are not known yet (of a function without a schema) is computed first.
  /// kInvalidArgument with DuckDB's text when it does not bind. What can't be spread runs in one task, with a warning.
  Result<DataFrame> sql(const std::string& query, const std::vector<SqlTable>& tables, const SqlOptions& options = {},
                        const std::string& location = {});

  /// The tables a query reads that it does not define itself, as they stand in it: names and paths of files.
  Result<std::vector<std::string>> table_names(const std::string& query);

  /// Runs lazy frames (such as write_parquet_lazy gives) together, each shared part once.
  Status wait(const std::vector<DataFrame>& frames);

  /// The plan of all frames so far as Graphviz text.
  std::string graph() const;

  /// Says that the program has done its work: files of reads by ReadOptions::new_only count as seen from now on, if an
  /// action on all of the read's rows succeeded, and none on it failed for good. Without it they are new for the next run.
  Status finish();

  /// Whether there are such files that finish() was not called for.
  bool has_unfinished_reads() const;

  /// Before the files of a table are written to `folder`, an absolute path inside the table that no other job writes to: what
  /// says there who wrote them goes with the job that dies before it calls finish_table_write().
  Status note_table_write(const std::string& folder);

  /// The table names the files of `folder` now: removes what says there who wrote them.
  Status finish_table_write(const std::string& folder);

  /// Stops work, ends workers, removes temporary data. May be called twice.
  Status shutdown();

  /// Asks running work to stop; it ends with kCancelled. Thread- and signal-safe enough for a SIGINT handler's thread.
  void cancel();

  /// Called from a thread of the session while a job runs; empty to stop.
  void set_progress(ProgressCallback callback);

  /// Warnings about frames made since the last call (a projection that looks like a filter, an aggregate that the
  /// partitioning does not cover), for the caller to show at the user's line.
  std::vector<std::string> take_warnings();

  const SessionOptions& options() const;   ///< With every default filled in.
  const std::string& job_id() const;
  std::string job_directory() const;       ///< data_root/job_id.

  class Impl;
  Impl& impl() { return *impl_; }

 private:
  friend class DataFrame;
  friend Result<std::shared_ptr<Session>> open_session(SessionOptions options, std::shared_ptr<FileSystem> files);
  Session();
  std::unique_ptr<Impl> impl_;
};

/// Removes a job that nobody runs: its folder (data_root/job_id) and what its unfinished writes left beside their outputs.
/// kConflict when a live session holds it, kInvalidArgument for another folder; fine when it is not there. `store` is needed
/// where the job wrote to one: kUnsupported without it.
MILLPOND_EXPORT Status remove_job(const std::string& job_directory, std::shared_ptr<ObjectStore> store = nullptr);

}  // namespace millpond
