#pragma once

#include "stage/stage.h"

namespace millpond {

/// Leaves Stage::shares_partitions set only where no other stage relies on which task read which partition: where the stage
/// deals its rows anew, where all of them come together, or where they are a root. And only where each task would read the
/// partition of its number, of exchange data.
void decide_sharing(StageGraph& graph);

}  // namespace millpond
