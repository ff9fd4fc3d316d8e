#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stage/figures.h"
#include "stage/stage.h"

namespace millpond {

/// What is known of a graph's stages beside the graph itself; a vector may be empty.
struct StageNotes {
  std::vector<std::int64_t> estimated_rows;  ///< See estimate_stage_rows().
  std::vector<StageFigures> figures;         ///< Of a run.
};

/// The stages, as a script of SQL: each makes the table stageN, which later ones read, and the last query gives the rows.
/// Comments say what a stage reads and where its rows go. A task runs the statement over its own partitions, the script
/// over all at once. Where a user's function stands, and where very many files are read, it can only be read.
std::string stage_graph_to_string(const StageGraph& graph, const StageNotes& notes = {});

}  // namespace millpond
