#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "millpond/result.h"
#include "storage/file_system.h"
#include "storage/journal.h"
#include "task/task.h"

namespace millpond {

/// The results of finished tasks by what they computed, kept in the job's journal: the same work on the same input is
/// not done twice, in this process or by the next one that runs the job. Thread-safe.
class ResultStore {
 public:
  /// Opens or makes `job_directory`/journal. `engine_version` names everything that decides what a task computes and is not
  /// in the task (DuckDB, hash and format versions): a journal of another one is refused with kInvalidArgument.
  static Result<std::unique_ptr<ResultStore>> open(std::shared_ptr<FileSystem> files, const std::string& job_directory,
                                                   const std::string& engine_version);

  /// The result recorded for a task's fingerprint whose files are still there with their sizes.
  /// `moved_to`: a directory where the files may lie instead (a write that was being committed); empty: none.
  std::optional<TaskResult> find(const std::string& fingerprint, const std::string& moved_to = {});

  /// Records a result. Survives a kill of this process; a power cut only after sync().
  Status put(const std::string& fingerprint, const TaskResult& result);

  /// Drops a record, on disk too.
  Status forget(const std::string& fingerprint);

  /// Drops a record if `path` is its exchange file.
  Status forget_output(const std::string& fingerprint, const std::string& path);

  /// Results recorded.
  std::size_t size() const;

  /// Makes all records survive a power cut.
  Status sync();

 private:
  /// Notes what lies in a store's folder: one request instead of one for each file of an earlier run.
  Status list_stored(const std::string& directory);

  /// Whether the listing has the file, so long. It is asked once for each: later it may be gone.
  bool is_listed(const std::string& path, std::int64_t bytes);

  ResultStore(std::shared_ptr<FileSystem> files, std::unique_ptr<Journal> journal)
      : files_(std::move(files)), journal_(std::move(journal)) {}

  std::shared_ptr<FileSystem> files_;
  mutable std::mutex mutex_;
  std::unique_ptr<Journal> journal_;
  std::map<std::string, TaskResult> results_;
  std::map<std::string, std::int64_t> listed_;  ///< Files of earlier runs on a store, with their bytes. Made on opening.
};

}  // namespace millpond
