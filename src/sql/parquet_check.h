#pragma once

#include <string>

#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// Whether a file begins and ends as a Parquet file must and has room for the footer it promises. kDataCorrupt, naming the
/// file and what is wrong, when not. Reads 12 bytes.
Status check_parquet_ends(FileSystem& files, const std::string& path);

}  // namespace millpond
