#pragma once

#include <cstdint>

#include "millpond/result.h"
#include "stage/fragment.h"
#include "stage/planner.h"

namespace millpond {

/// The fragment with its files dealt to more tasks of at most about `context.scan_task_bytes` each, where it takes rows
/// one by one (Fragment::is_row_wise) from one scan: what a failure costs and what a task keeps in memory is then bounded,
/// and a cluster has something to share out. The rows of partition i are those of the new tasks, one after the other, in
/// the same order. Any other fragment, and one that is small enough, is given back as it is.
/// A file larger than that is cut between its row groups (Parquet; files of other formats stay whole).
Result<FragmentPtr> split_scans(const FragmentPtr& fragment, const PlannerContext& context);

}  // namespace millpond
