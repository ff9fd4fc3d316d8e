#pragma once

#include <string>

#include "storage/publish.h"

namespace millpond {

/// What publishing renames to the target: the folder staged_output(staging), or the one file in it.
std::string staged_target(const PublishRequest& request);

/// Brings the files of a write together under staged_output(staging) with their final names and modes and with the manifest,
/// and nothing else, all durable. May be repeated after a kill at any point: a file is taken from where it lies, or from
/// where an earlier try moved it. kDataCorrupt when it is in neither place or has another size than it should.
Result<OutputManifest> stage_output(FileSystem& files, const PublishRequest& request);

}  // namespace millpond
