#pragma once

#include <functional>
#include <vector>

#include "millpond/result.h"
#include "storage/file_system.h"
#include "task/task.h"

namespace millpond {

/// A file as it was at planning, for FileSystem::open_known.
FileInfo as_listed(const FileSlice& file);

/// Checks that the files of the inputs, all or those that are `wanted`, are still what they were at planning, by size, time and
/// tag. kDataCorrupt naming the first that changed or is gone; what the file system says when it can't be asked. One stat a file.
Status verify_files(FileSystem& files, const std::vector<TaskInput>& inputs,
                    const std::function<bool(const FileSlice&)>& wanted = {});

/// The same of those that nothing holds to what they were while they are read: those without a tag.
Status verify_untagged(FileSystem& files, const std::vector<TaskInput>& inputs);

/// The same of one file.
Status verify_file(FileSystem& files, const FileSlice& file);

/// kDataCorrupt naming the file when what is there has another size, time or tag, as far as it tells them.
Status same_content(const FileSlice& file, const FileInfo& now);

}  // namespace millpond
