#pragma once

#include "duckdb/planner/logical_operator.hpp"

namespace millpond {

/// The filters that the optimizer put into scans of inputs, as operators above these scans, which give no column that only
/// filters read. It estimates better with
/// filters in scans; a scan that becomes the rows of a step would lose them.
/// Filters that only make a scan faster (bounds that a join or top-N hands down as it runs) are dropped.
void lift_scan_filters(duckdb::unique_ptr<duckdb::LogicalOperator>& op);

}  // namespace millpond
