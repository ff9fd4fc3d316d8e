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

/// A file that COPY wrote.
struct WrittenFile {
  std::string path;
  std::int64_t rows = -1;  ///< -1: not told.
};

/// The files that a COPY tells it has written.
std::vector<WrittenFile> files_of_copy(duckdb::QueryResult& result, FileFormat format);

/// Digests and syncs files in the order given, as written_files does.
Result<std::vector<OutputFile>> finish_files(const std::vector<WrittenFile>& written, FileSystem& files,
                                             const std::string& directory);

/// Whether COPY can't cut the rows into files as asked (it cuts no JSON, nothing between vectors of 2,048 rows, and keeps
/// no order where it deals rows to folders): then exact_cuts.h writes them, one statement a file.
bool cuts_exactly(const WriteOptions& options);

/// "part-00007-a000017-6f1c0a52": how the files of a task begin. Unique for each attempt.
std::string file_stem(const Task& task);

}  // namespace millpond
