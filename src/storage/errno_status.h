#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "millpond/status.h"

namespace millpond {

/// The Status of a system call that failed with `error` (a value of errno) while trying to `action` ("write") at
/// `path`. `bytes` is how much was to be written, said when the disk is full; -1 when it makes no sense.
Status errno_status(int error, std::string_view action, const std::string& path, std::int64_t bytes = -1);

/// kInvalidArgument for a path that the operating system would misread: empty, or with a zero byte inside.
Status check_path(const std::string& path);

}  // namespace millpond
