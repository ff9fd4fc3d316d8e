#pragma once

#include "duckdb/planner/logical_operator.hpp"

namespace millpond {

/// Whether a bound plan hands rows on as they come: no operator in it keeps more of them than it works on. False for an
/// operator that is not known.
bool is_streaming(const duckdb::LogicalOperator& plan);

/// Whether a streaming plan may give more rows than it reads.
bool may_add_rows(const duckdb::LogicalOperator& plan);

}  // namespace millpond
