#pragma once

#include <string>

#include "storage/publish.h"

namespace millpond {

/// What publishing renames to the target: the folder staged_output(staging), or the one file in it.
std::string staged_target(const PublishRequest& request);

/// Brings the files of a write together under staged_output(staging) with their final names and modes and with the
/// manifest, and nothing else, all durable. Notes beforehand what goes where, for restore_staged. kDataCorrupt when a
/// file is gone or has another size than it should.
Result<OutputManifest> stage_output(FileSystem& files, const PublishRequest& request);

/// Moves what an earlier stage_output or append had moved back to where it was. Files are known by their identity, so
/// that data which a swap put in the staging folder is left alone. Does nothing when nothing was noted.
Status restore_staged(FileSystem& files, const std::string& target, const std::string& staging);

}  // namespace millpond
