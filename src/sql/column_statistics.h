#pragma once

#include <string>

#include "duckdb/storage/statistics/base_statistics.hpp"

namespace millpond {

/// Statistics as a text of base 64, and back.
std::string write_statistics(const duckdb::BaseStatistics& statistics);
duckdb::unique_ptr<duckdb::BaseStatistics> read_statistics(const std::string& text, const duckdb::LogicalType& type);

}  // namespace millpond
