#pragma once

#include <memory>

#include "millpond/object_store.h"
#include "storage/file_system.h"

namespace millpond {

/// Files where they lie: `local` for paths of this machine, `store` for those with a scheme ("s3://bucket/key"), which are
/// read only: kUnsupported with what to do for any change, and for all of them without a store.
std::shared_ptr<FileSystem> files_by_scheme(std::shared_ptr<FileSystem> local, std::shared_ptr<ObjectStore> store);

}  // namespace millpond
