#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/file_system.h"
#include "storage/unique_fd.h"

namespace millpond {

/// The settings and the mounts of 3FS are looked at again, with the next path, where they changed or there were no rings.
void begin_usrbio_session();

/// Whether files at `path` are read through the rings of 3FS (USRBIO): it lies below a mount of 3FS (storage/mounted_3fs.h), and
/// its library could be loaded and has made a ring for that mount. MILLPOND_3FS_USRBIO names the library, or is "off"; it and
/// the mounts are those of when the first path of a session was asked about. False in a forked child. Costs nothing where there
/// are no mounts, else less than a microsecond, but for the first call.
bool is_read_by_usrbio(const std::string& path);

/// Such a file, open as `fd`, of `size` bytes. Null, and `fd` as it was, where it is to be read through the kernel.
std::unique_ptr<ReadableFile> open_by_usrbio_of_mount(UniqueFd& fd, const std::string& path, std::int64_t size);

/// Why files below mounts are read through the kernel though the rings were asked for: one line for each reason, told once.
std::vector<std::string> take_usrbio_warnings();

}  // namespace millpond
