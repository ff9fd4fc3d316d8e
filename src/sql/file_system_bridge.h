#pragma once

#include <memory>
#include <string>

#include "millpond/result.h"
#include "storage/file_system.h"

namespace duckdb {
class DatabaseInstance;
}

namespace millpond {

/// Makes a DuckDB instance read and write all files through `files`, but for those below `temp_directory` (where it spills; may be
/// empty). For stores that are not this machine's disks: DuckDB's own way to those is faster.
/// Names are literal: a pattern is refused, but for the brackets of escape_glob(). A new file must not exist. Files are
/// written from their beginning to their end, so that stores without random writes can serve.
Status bridge_file_system(duckdb::DatabaseInstance& instance, std::shared_ptr<FileSystem> files,
                          const std::string& temp_directory);

}  // namespace millpond
