#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "millpond/object_store.h"
#include "millpond/result.h"
#include "storage/output_manifest.h"

namespace millpond {

/// What a folder on a store consists of: one object in it, which changes by compare-and-swap. Where nothing can be renamed, a
/// write is done at the moment in which this says so.
struct DataSetHead {
  std::vector<OutputManifest> writes;   ///< Done: their files are part of the data.
  std::vector<OutputManifest> pending;  ///< Being put in place, or given up by a dead job: their files are not.
  /// Files that an overwrite replaced and that are not removed yet. The digest says of which content the name is meant: see
  /// replaced_digest.
  std::vector<ManifestFile> replaced;
  std::string tag;  ///< Of the object that was read; empty when there is none.
};

/// The name of the object: hidden, as readers of data pass over it.
inline constexpr std::string_view kHeadName = "._millpond-head.json";

std::string head_path(const std::string& target);

/// The head of a folder; an empty one without a tag when there is none. kDataCorrupt for one that can't be read.
Result<DataSetHead> read_head(ObjectStore& store, const std::string& target);

/// Puts a head in the place of the one that was read. kConflict when it is another by now.
Status write_head(ObjectStore& store, const std::string& target, const DataSetHead& head);

/// What a replaced file's name was said of: a new file of this name is not meant.
std::string replaced_digest(const ObjectInfo& object);

/// Which writes make up the data: the same text for the same.
std::string state_of(const DataSetHead& head);

/// The entry of a write in `writes`; their end when there is none.
std::vector<OutputManifest>::const_iterator find_write(const std::vector<OutputManifest>& writes,
                                                       const std::string& fingerprint);

/// Whether an object below the folder `target` is no part of its data, and mustn't be read.
bool is_hidden_by(const DataSetHead& head, const std::string& target, const std::string& path, std::int64_t mtime_ns);

}  // namespace millpond
