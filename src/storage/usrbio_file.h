#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "storage/file_system.h"
#include "storage/unique_fd.h"
#include "storage/usrbio_pool.h"

namespace millpond {

/// The open file `fd` of 3FS, of `size` bytes, read through the lanes of `pool`, and what they don't give through the kernel:
/// what was added since, holes at the end, all of it in a forked child and where no lane can be had. Null, and `fd` as it was,
/// where the library doesn't take it: it lies elsewhere, or descriptors are short.
std::unique_ptr<ReadableFile> open_by_usrbio(std::shared_ptr<UsrbioPool> pool, UniqueFd& fd, const std::string& path,
                                             std::int64_t size);

}  // namespace millpond
