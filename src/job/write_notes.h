#pragma once

#include <string>
#include <vector>

#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// Notes in a job's folder where its writes stage their files, beside outputs anywhere on the disk, so that clean-up
/// finds what a killed job left there. One small durable file a target.

/// To be called before anything is staged for `target`, an absolute path.
Status note_write(FileSystem& files, const std::string& job_directory, const std::string& target);

/// To be called when nothing is staged any more; fine when nothing was noted.
Status forget_write(FileSystem& files, const std::string& job_directory, const std::string& target);

/// The targets that are noted.
Result<std::vector<std::string>> noted_writes(FileSystem& files, const std::string& job_directory);

/// Removes a job's folder, and before it what its unfinished writes staged, as remove_stale does. kConflict when a live
/// session holds the job's lease, kInvalidArgument for a folder that no session made; fine when it is not there.
Status remove_job_directory(FileSystem& files, const std::string& job_directory);

}  // namespace millpond
