#pragma once

#include <optional>
#include <string>
#include <vector>

#include "job/result_store.h"
#include "millpond/result.h"
#include "stage/stage.h"
#include "storage/file_system.h"
#include "storage/publish.h"
#include "task/task.h"

namespace millpond {

/// The names of one write: for the staging folder and the manifest.
struct WriteJob {
  std::string job_id;
  std::string fingerprint;  ///< Of the write's plan node; for append unique to this run of it.
  std::optional<TargetState> observed;  ///< What the output was when the job began, to notice other writers.
};

/// Before any work: kAlreadyExists when the mode forbids touching what is there. Gives the files when this very write is
/// done already.
Result<std::optional<std::vector<OutputFile>>> check_write(FileSystem& files, const StageWrite& write, const WriteJob& job);

/// Begins a write that is not done already: makes the folders above the output and the staging folder, brings back what a
/// killed commit had moved, and keeps other drivers out while the result lives. kConflict when another one is at it.
Result<BegunWrite> open_write(FileSystem& files, const StageWrite& write, const WriteJob& job);

/// Removes what an unfinished write has staged beside its output; fine when there is nothing.
Status discard_write(FileSystem& files, const StageWrite& write, const WriteJob& job);

/// Puts what the tasks of a write stage made in place: makes their records durable first, gives the files their final names
/// (part-00000.parquet … in the order of partitions) and publishes. Files without rows are left out unless asked for, but an
/// output never lacks a file that holds its schema. Returns the files with their final paths.
Result<std::vector<OutputFile>> commit_write(FileSystem& files, ResultStore& store, const StageWrite& write,
                                             const WriteJob& job, const std::vector<TaskResult>& results);

}  // namespace millpond
