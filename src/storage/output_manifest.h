#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// Bumped whenever an older reader could misread a manifest.
inline constexpr std::int64_t kManifestVersion = 1;

/// One data file of an output.
struct ManifestFile {
  std::string name;  ///< Relative to the output; of the output itself when it is a single file.
  std::int64_t num_rows = 0;
  std::int64_t num_bytes = 0;
  std::string digest;  ///< XXH3-128 of the content in hex; may be empty for folders' files.

  bool operator==(const ManifestFile&) const = default;
};

/// What one write put into an output. Lies in the output folder (or beside a single file) under a hidden name, which
/// readers of Parquet, CSV and JSON folders pass over. A write whose manifest is there and whose files are whole is
/// done.
struct OutputManifest {
  std::string fingerprint;
  std::string job_id;
  std::vector<ManifestFile> files;

  bool operator==(const OutputManifest&) const = default;
};

Json manifest_to_json(const OutputManifest& manifest);
/// kUnsupported for another version, kDataCorrupt for what can't be read or has a name that leads out of the output.
Result<OutputManifest> manifest_from_json(const Json& json);

/// Where the manifest of a write lies: "<target>/._millpond-<fingerprint>.json", for a single file
/// "<parent>/.<name>.millpond-<fingerprint>.json".
std::string manifest_path(const std::string& target, const std::string& fingerprint, bool single_file);

/// The manifest of the write `fingerprint` when `target` still holds what it wrote: every file with its size, a single
/// file with its digest too (which reads it). Otherwise nothing.
Result<std::optional<OutputManifest>> find_published(FileSystem& files, const std::string& target,
                                                     const std::string& fingerprint, bool single_file);

}  // namespace millpond
