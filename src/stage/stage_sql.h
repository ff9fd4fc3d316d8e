#pragma once

#include <string>

#include "stage/stage.h"

namespace millpond {

/// A beginning of names for the stages' tables ("stage") that stands in none of their queries.
std::string stage_table_prefix(const StageGraph& graph);

/// The statements that make a stage's rows, of all its partitions, the table `prefix`N. Tables of earlier stages are read.
std::string stage_statements(const Stage& stage, const std::string& prefix);

/// The SELECT that gives all rows of a source.
std::string source_select(const Source& source, const Schema& schema, const std::string& prefix);

}  // namespace millpond
