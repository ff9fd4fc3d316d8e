#pragma once

#include <string>
#include <vector>

#include "storage/glob.h"

namespace millpond {

/// expand() for readers of data. On a store, where a write is not one step, files that a folder's head (data_set_head.h) does
/// not count are left out: of writes that are under way or dead, and those that an overwrite has replaced. What is returned is
/// the data as it was at one moment, before a write or after it, never some of both. Files of other makers always count. A
/// single file that is named counts too. kConflict when writers change the folder all the time.
Result<std::vector<FileInfo>> expand_committed(FileSystem& files, const std::string& path, const GlobOptions& options = {});

}  // namespace millpond
