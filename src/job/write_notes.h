#pragma once

#include <string>
#include <vector>

#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// Notes in a job's folder where its writes stage their files, beside outputs anywhere on the disk, so that clean-up
/// finds what a killed job left there. One small durable file a target.
///
/// A table's files are written as an output that is a folder inside the table, with manifests or a head that go when the table
/// names the files. Such folders are noted too, for longer than the write takes: clean-up removes what says who wrote them.

/// To be called before anything is staged for `target`, an absolute path.
Status note_write(FileSystem& files, const std::string& job_directory, const std::string& target);

/// To be called when nothing is staged any more; fine when nothing was noted.
Status forget_write(FileSystem& files, const std::string& job_directory, const std::string& target);

/// The targets that are noted.
Result<std::vector<std::string>> noted_writes(FileSystem& files, const std::string& job_directory);

/// To be called before a folder inside a table is written, an absolute path.
Status note_table_write(FileSystem& files, const std::string& job_directory, const std::string& folder);

/// To be called when the table names the folder's files: forgets who wrote them, as forget_output does, and the note.
Status finish_table_write(FileSystem& files, const std::string& job_directory, const std::string& folder);

/// finish_table_write of all that are noted.
Status finish_table_writes(FileSystem& files, const std::string& job_directory);

/// Removes a job's folder, and before it what its unfinished writes staged, as remove_stale does, and finish_table_writes.
/// kConflict when a live session holds the job's lease, kInvalidArgument for a folder that no session made; fine when it is
/// not there.
Status remove_job_directory(FileSystem& files, const std::string& job_directory);

}  // namespace millpond
