#pragma once

#include "stage/fragment.h"
#include "stage/planner.h"

namespace millpond {

/// Takes files out of a query's inputs whose bounds tell that its filters let none of their rows pass. Partitions keep
/// their number, though some may have no file left. Without bounds nothing is asked.
void leave_files_out(RenderedQuery& query, const PlannerContext& context);

}  // namespace millpond
