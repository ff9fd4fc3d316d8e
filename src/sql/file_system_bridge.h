#pragma once

#include <memory>
#include <string>

#include "millpond/result.h"
#include "storage/file_system.h"

namespace duckdb {
class DatabaseInstance;
}

namespace millpond {

/// Makes a DuckDB instance read and write files through `files`, but for those on this machine's disks (is_local_disk), to which
/// DuckDB's own way is faster (patterns on 3FS, too: DuckDB expands them), and those below `temp_directory` (where it spills;
/// may be empty). Names are literal: a pattern is refused, but for the brackets of escape_glob(). A LinesPath gives the lines
/// that it names. A new file must not exist. Files are written from their beginning to their end, so that stores without random writes can serve.
Status bridge_file_system(duckdb::DatabaseInstance& instance, std::shared_ptr<FileSystem> files,
                          const std::string& temp_directory);

}  // namespace millpond
