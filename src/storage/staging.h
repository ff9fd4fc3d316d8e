#pragma once

#include <memory>
#include <string>

#include "millpond/result.h"
#include "storage/file_system.h"
#include "storage/lease.h"

namespace millpond {

/// The hidden folder beside `target` in which a write is prepared, ".<name>.millpond-<job>-<id>": on the same file
/// system, so that publishing is a rename. Long or odd names are cut and hashed. Not created here.
std::string staging_directory(const std::string& target, const std::string& job_id, const std::string& fingerprint);

/// Where in a staging folder the output is put together before it gets its name.
std::string staged_output(const std::string& staging);

/// Makes the folders above `target` (with the user's default mode, durable) and the staging folder (0700), and takes
/// the latter's lease, so that no other driver works in it and clean-up leaves it alone; hold it until the write is
/// over. kConflict when another driver holds it. For folders of this machine.
Result<std::unique_ptr<Lease>> prepare_staging(FileSystem& files, const std::string& target,
                                               const std::string& staging);

/// Removes what dead writes of `job_id` to `target` left: staging folders beside it, except `keep` (may be empty) and
/// those that a live driver holds. (On a store nothing is locked: call this only with the job's lease held.) An unfinished append is taken back, data that an unfinished overwrite had moved away
/// is put back. Touches nothing else; fine when there is nothing.
Status remove_stale(FileSystem& files, const std::string& target, const std::string& job_id,
                    const std::string& keep = {});

}  // namespace millpond
