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

/// What dealing asks of files.
struct FileParts {
  /// The row groups of a Parquet file as row ranges.
  std::function<Result<std::vector<RowRange>>(const FileSlice& file)> row_groups;
  /// Whether each line of a file is a row of its own; may be empty: none is.
  std::function<Result<bool>(const FileSlice& file, const ScanOptions& options)> holds_lines = {};
};

/// Deals the files of `partitions` (in order) to `count` partitions in runs, the first ones getting one more when it
/// doesn't come out even. With fewer files than partitions, Parquet row groups are dealt instead, or lines of JSON files in
/// pieces of a megabyte at least. Nothing when neither can be done.
Result<std::optional<std::vector<std::vector<Slice>>>> deal_file_slices(const std::vector<std::vector<Slice>>& partitions,
                                                                        const ScanOptions& options, std::int64_t count,
                                                                        const FileParts& parts);

/// Deals each file to the partition of its place in `targets`. kInternal when these are not as many, or no such partitions.
Result<std::vector<std::vector<Slice>>> deal_files_to(const std::vector<std::vector<Slice>>& partitions,
                                                      const std::vector<std::int64_t>& targets, std::int64_t count);

}  // namespace millpond
