#pragma once

#include <optional>
#include <string>

#include "millpond/object_store.h"
#include "storage/publish.h"

namespace millpond {

/// Single objects on stores, as outputs. The object is put in place by one copy, which carries the write's fingerprint as its
/// mark, so that a rerun knows its own; a lock beside it, ".<name>.millpond-lock.json", keeps a second writer out for so long.
/// The functions are those of publish.h for such targets.

/// As check_target.
Result<std::optional<OutputManifest>> check_store_object(ObjectStore& store, const PublishRequest& request);

/// As observe_target.
Result<TargetState> observe_store_object(ObjectStore& store, const std::string& target);

/// As publish, but for the staging folder's removal. kConflict while another write, living or dead, has the lock.
Result<OutputManifest> publish_store_object(ObjectStore& store, const PublishRequest& request);

/// Removes the lock of a dead job's write.
Status unlock_store_object(ObjectStore& store, const std::string& target, const std::string& job_id);

}  // namespace millpond
