#pragma once

#include <memory>

#include "millpond/object_store.h"
#include "storage/file_system.h"

namespace millpond {

/// Files where they lie: `local` for paths of this machine, `store` for those with a scheme ("s3://bucket/key"). On
/// stores files are written from their beginning to their end, folders need not be made, and nothing can be renamed or appended
/// to: kUnsupported, as all is without a store.
std::shared_ptr<FileSystem> files_by_scheme(std::shared_ptr<FileSystem> local, std::shared_ptr<ObjectStore> store);

}  // namespace millpond
