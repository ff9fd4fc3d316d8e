#pragma once

#include <optional>
#include <string>

#include "storage/file_system.h"
#include "storage/output_manifest.h"

namespace millpond {

/// Where a staging folder notes the manifest of a write whose publishing takes more than one step.
std::string pending_manifest_path(const std::string& staging);

/// Where an overwrite keeps the old data on stores that can't swap.
std::string replaced_output(const std::string& staging);

/// The noted manifest, or nothing when there is none (one that is cut off or not ours counts as none).
Result<std::optional<OutputManifest>> read_pending_manifest(FileSystem& files, const std::string& staging);

/// Moves the staged files of `manifest` and then the manifest itself from the staging folder into the folder `target`,
/// each in one step; goes on where a kill stopped it. On an error those that were moved are taken back. kConflict when
/// a name is taken.
Status append_output(FileSystem& files, const std::string& target, const std::string& staging,
                     const OutputManifest& manifest);

/// Moves the files of an append whose manifest is not in `target` yet back to the staging folder. Does nothing when the
/// append is complete or the staging folder notes none.
Status take_back_append(FileSystem& files, const std::string& target, const std::string& staging);

}  // namespace millpond
