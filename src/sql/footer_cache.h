#pragma once

#include "duckdb/main/database.hpp"
#include "task/task.h"

namespace millpond {

/// Before a task runs: lets go of footers of Parquet files that the instance keeps from planning and from earlier tasks.
/// All of them before a task that reads much, for which reading its own footers again is nothing; else what goes beyond
/// some megabytes, oldest first. So memory does not grow with the number of files that a job reads.
void trim_footers(duckdb::DatabaseInstance& instance, const Task& task);

}  // namespace millpond
