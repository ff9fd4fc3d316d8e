#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "millpond/object_store.h"
#include "millpond/result.h"
#include "storage/output_manifest.h"

namespace millpond {

/// A file that an overwrite replaced and that is not removed yet. A new file of this name is not meant: see is_same_file.
struct ReplacedFile {
  ManifestFile file;  ///< The digest is its time.
  std::string tag;    ///< The store's; empty where it tells none, and in heads of older versions.

  bool operator==(const ReplacedFile&) const = default;
};

/// What a folder on a store consists of: one object in it, which changes by compare-and-swap. Where nothing can be renamed, a
/// write is done at the moment in which this says so.
struct DataSetHead {
  std::vector<OutputManifest> writes;   ///< Done: their files are part of the data.
  std::vector<OutputManifest> pending;  ///< Being put in place, or given up by a dead job: their files are not.
  std::vector<ReplacedFile> replaced;
  std::string tag;  ///< Of the object that was read; empty when there is none.
};

/// The name of the object: hidden, as readers of data pass over it.
inline constexpr std::string_view kHeadName = "._millpond-head.json";

std::string head_path(const std::string& target);

/// The head of a folder; an empty one without a tag when there is none. kDataCorrupt for one that can't be read.
Result<DataSetHead> read_head(ObjectStore& store, const std::string& target);

/// Puts a head in the place of the one that was read. kConflict when it is another by now.
Status write_head(ObjectStore& store, const std::string& target, const DataSetHead& head);

/// An object of the folder `target` as one that is replaced.
ReplacedFile as_replaced(const std::string& target, const ObjectInfo& object);

/// Whether the object that has the replaced file's name now is still that one, by size, time and tag.
bool is_same_file(const ReplacedFile& replaced, const ObjectInfo& object);

/// Which writes make up the data: the same text for the same.
std::string state_of(const DataSetHead& head);

/// The entry of a write in `writes`; their end when there is none.
std::vector<OutputManifest>::const_iterator find_write(const std::vector<OutputManifest>& writes,
                                                       const std::string& fingerprint);

/// Whether an object below the folder `target` is no part of its data, and mustn't be read.
bool is_hidden_by(const DataSetHead& head, const std::string& target, const ObjectInfo& object);

}  // namespace millpond
