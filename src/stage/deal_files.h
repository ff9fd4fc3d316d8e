#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/scan_options.h"
#include "data/slice.h"
#include "millpond/result.h"

namespace millpond {

/// Deals the files of `partitions` (in order) to `count` partitions in runs, the first ones getting one more when it
/// doesn't come out even. With fewer files than partitions, Parquet row groups are dealt instead.
/// Nothing when neither can be done (fewer CSV or JSON files than partitions).
Result<std::optional<std::vector<std::vector<Slice>>>> deal_file_slices(
    const std::vector<std::vector<Slice>>& partitions, const ScanOptions& options, std::int64_t count,
    const std::function<Result<std::vector<RowRange>>(const std::string& path)>& row_groups);

/// Deals each file to the partition of its place in `targets`. kInternal when these are not as many, or no such partitions.
Result<std::vector<std::vector<Slice>>> deal_files_to(const std::vector<std::vector<Slice>>& partitions,
                                                      const std::vector<std::int64_t>& targets, std::int64_t count);

}  // namespace millpond
