#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>

#include "storage/file_system.h"
#include "storage/unique_fd.h"

namespace millpond {

/// What the kernel says about the file or folder `path`.
FileInfo to_file_info(std::string path, const struct stat& info);

/// Files of this machine over an open descriptor. `path` is for messages.
std::unique_ptr<ReadableFile> make_local_readable(UniqueFd fd, std::string path);
std::unique_ptr<WritableFile> make_local_writable(UniqueFd fd, std::string path);

/// Every write goes to the end of the file, wherever it was asked to go.
std::unique_ptr<WritableFile> make_local_appendable(UniqueFd fd, std::string path);

}  // namespace millpond
