#pragma once

#include <optional>
#include <string>

#include "millpond/object_store.h"
#include "storage/publish.h"

namespace millpond {

/// Folders on stores, where nothing can be renamed: each write's files have names of their own, and the folder's head
/// (data_set_head.h) says which count. The functions are those of publish.h for such targets.

/// As check_target.
Result<std::optional<OutputManifest>> check_store_folder(ObjectStore& store, const PublishRequest& request);

/// As begin_write: takes back what a killed publish of this write had put in place.
Result<TargetState> begin_store_folder(ObjectStore& store, const std::string& target, const std::string& fingerprint);

/// As publish, but for the staging folder's removal:
/// 1. the head gets the write as pending, so that no reader takes its files;
/// 2. the staged files are copied to their names, each checked for its size;
/// 3. the head, by compare-and-swap, gets the write as done: alone (kError; kOverwrite, with the files that were there as
/// replaced) or with the others (kAppend). At this moment readers of the head go from the old to the new;
/// 4. kOverwrite: what was replaced is removed. A failure here is not reported: the next overwrite does it.
/// Who only lists the folder sees, from 2 to 4, files of both. On an error, and when another writer was first, the copies are
/// removed again.
Result<OutputManifest> publish_store_folder(ObjectStore& store, const PublishRequest& request);

/// Removes what unfinished writes of a job had put in place.
Status take_back_from_store_folder(ObjectStore& store, const std::string& target, const std::string& job_id);

}  // namespace millpond
