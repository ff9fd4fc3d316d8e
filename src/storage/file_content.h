#pragma once

#include <string>
#include <string_view>

#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// The whole content of a small file. kNotFound when it is not there.
Result<std::string> read_file(FileSystem& files, const std::string& path);

/// XXH3-128 of a file's content in hex, read in pieces of 1 MB.
Result<std::string> file_digest(FileSystem& files, const std::string& path);

/// Makes a file with this content that survives a power cut (its name does after sync_directory of the parent), or puts
/// it in the place of an older one in one step. Goes through the name `path` + ".new", which is free afterwards.
Status write_file(FileSystem& files, const std::string& path, std::string_view content);

/// Makes the content of a file that is there survive a power cut.
Status sync_file(FileSystem& files, const std::string& path);

}  // namespace millpond
