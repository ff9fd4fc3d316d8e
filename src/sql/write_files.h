#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "duckdb/main/query_result.hpp"
#include "millpond/result.h"
#include "storage/file_system.h"
#include "task/task.h"

namespace millpond {

/// The statement that writes the rows of `query` as files for the user below `directory`, which exists and is empty.
/// File names start with `stem`; the extension tells format and compression. With `partition_by` the files lie in
/// key=value folders. kInvalidArgument or kUnsupported for options that don't go together.
Result<std::string> write_files_sql(const std::string& query, const WriteOptions& options, const std::string& directory,
                                    const std::string& stem);

/// What the statement wrote, from its own result (no folder is listed): paths relative to `directory`, rows, bytes and
/// content digests. Every file and every folder on the way is synced. Reads each file once for its digest.
/// Rows a file are -1 where the format does not tell them (CSV and JSON in several files).
Result<std::vector<OutputFile>> written_files(duckdb::QueryResult& result, FileSystem& files, const WriteOptions& options,
                                              const std::string& directory);

/// "part-00007-a000017-6f1c0a52": how the files of a task begin. Unique for each attempt.
std::string file_stem(const Task& task);

}  // namespace millpond
