#pragma once

#include <vector>

#include "millpond/result.h"
#include "storage/file_system.h"
#include "task/task.h"

namespace millpond {

/// Checks that the files of the inputs are still what they were at planning, by size and time. kDataCorrupt naming the
/// first that changed or is gone; what the file system says when it can't be asked. One stat a file.
Status verify_files(FileSystem& files, const std::vector<TaskInput>& inputs);

}  // namespace millpond
