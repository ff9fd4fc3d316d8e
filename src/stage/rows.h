#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "millpond/result.h"
#include "stage/stage.h"

namespace millpond {

/// Whether every input of the stage knows its rows before they are read; files of CSV and JSON don't.
bool tells_rows(const Stage& stage);

/// How many rows a query gives by the optimizer's estimate, over inputs of so many rows.
using EstimateRows = std::function<Result<std::int64_t>(const Stage& stage, const std::vector<std::int64_t>& input_rows)>;

/// The rows that each stage gives, of all its tasks together, by estimate; -1 where an input's size is not known or a
/// user's function stands. An estimate is never an error.
std::vector<std::int64_t> estimate_stage_rows(const StageGraph& graph, const EstimateRows& estimate);

/// All rows of a source, from those of the stages it reads; -1 when a part does not tell.
std::int64_t source_rows(const Source& source, const std::vector<std::int64_t>& stage_rows);

}  // namespace millpond
