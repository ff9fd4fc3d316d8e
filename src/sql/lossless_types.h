#pragma once

#include <string>

#include "data/scan_options.h"
#include "duckdb/common/types.hpp"
#include "millpond/result.h"

namespace millpond {

/// Refuses a column whose values a format would change without a word; kInvalidArgument with the cast to use. Parquet, as
/// DuckDB writes it, makes DOUBLE of 128-bit integers, cuts intervals to milliseconds, and forgets the zone of TIME WITH
/// TIME ZONE. CSV and JSON hold every value as text. Types that only change their name (ENUM to VARCHAR) are let through.
Status check_lossless(const std::string& column, const duckdb::LogicalType& type, FileFormat format);

}  // namespace millpond
