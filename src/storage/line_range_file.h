#pragma once

#include <cstdint>
#include <memory>

#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// The lines of a text file that begin in its bytes [begin, end), as a file of their own. Ranges that follow each other give
/// each line once, however long it is; a line ends with '\n' or with the file. The file's info() but for the size.
/// Cost: looks for the ends of two lines, 64 KiB at a time.
Result<std::unique_ptr<ReadableFile>> open_lines(std::unique_ptr<ReadableFile> file, std::int64_t begin, std::int64_t end);

}  // namespace millpond
