#pragma once

#include <cstdint>

#include "duckdb/main/connection.hpp"
#include "duckdb/main/database.hpp"
#include "storage/file_system.h"
#include "task/task.h"

namespace millpond {

/// Before a task runs: lets go of footers of Parquet files that the instance keeps from planning and from earlier tasks.
/// All of them before a task that reads much, for which reading its own footers again is nothing; else what goes beyond
/// some megabytes, oldest first. So memory does not grow with the number of files that a job reads.
void trim_footers(duckdb::DatabaseInstance& instance, const Task& task);

/// Threads that read ahead, of an instance with as many of its own, while it reads from disks alone. DuckDB opens the more
/// files ahead, and so holds the more footers, the more of them there are; its own number, eight at least, is what stores need.
std::int64_t threads_reading_disks(std::int64_t threads);

/// For the connection that is to run a task. One that reads much keeps no footer longer than its file, and reads no more
/// ahead from this machine's disks than a piece (a row group) a thread: so memory does not grow while it goes from file to
/// file. One that reads from stores gives its instance, for good, as many reading threads as DuckDB would.
void fit_scan(duckdb::Connection& connection, const FileSystem& files, const Task& task);

}  // namespace millpond
