#pragma once

#include "duckdb/main/connection.hpp"
#include "duckdb/main/database.hpp"
#include "storage/file_system.h"
#include "task/task.h"

namespace millpond {

/// Before a task runs: lets go of footers of Parquet files that the instance keeps from planning and from earlier tasks.
/// All of them before a task that reads much, for which reading its own footers again is nothing; else what goes beyond
/// some megabytes, oldest first. So memory does not grow with the number of files that a job reads.
void trim_footers(duckdb::DatabaseInstance& instance, const Task& task);

/// For the connection that is to run a task that reads much: footers go with their files, and from this machine's disks
/// no more is read ahead than a piece (a row group) a thread. So memory does not grow while the task goes from file to file.
void limit_scan_memory(duckdb::Connection& connection, const FileSystem& files, const Task& task);

}  // namespace millpond
