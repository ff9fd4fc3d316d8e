#pragma once

#include <vector>

#include "duckdb/main/database.hpp"
#include "millpond/result.h"
#include "storage/file_system.h"
#include "task/task.h"

namespace millpond {

/// Why a task failed, when it was one of its files: kDataCorrupt naming the first input file that can't be read through by
/// itself, with DuckDB's own words (for CSV and JSON they hold the line). `failure` when all can be read, or when it can't
/// come from a file (memory, disk, cancelled, …). DuckDB uses one kind of error for damaged files and for a user's wrong
/// value, so the files are tried: costs one more read of the inputs, only after a failure. An instance that an error of
/// DuckDB's own has invalidated can't read any file: then nothing is said of the files.
Status blame_unreadable_input(duckdb::DuckDB& database, FileSystem& files, const std::vector<TaskInput>& inputs,
                              const Status& failure);

}  // namespace millpond
