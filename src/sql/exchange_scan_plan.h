#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "duckdb/common/types.hpp"
#include "exchange/reader.h"
#include "sql/exchange_functions.h"

namespace millpond {

/// What a call of millpond_exchange reads.
struct ExchangeScan {
  std::vector<SegmentSlice> slices;
  std::vector<std::string> names;
  std::vector<duckdb::LogicalType> types;
  std::uint64_t rows = 0;  ///< In all slices, after their ranges.
};

/// A file of a scan, with the place of each wanted column in it.
struct ExchangeScanFile {
  std::shared_ptr<const ExchangeFile> file;
  std::vector<std::size_t> columns;  ///< Ascending positions in the file, each once.
  std::vector<std::size_t> wanted;   ///< For each column asked for, its index in `columns`.
};

/// Rows [from, to) of one segment of one file.
struct ExchangePiece {
  std::size_t file = 0;
  ExchangeSegment segment;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

/// A run of pieces that one thread reads: the unit of parallel work and of order.
using ExchangeUnit = std::vector<ExchangePiece>;

/// The opened files and the work, in row order.
struct ExchangeScanPlan {
  std::vector<ExchangeScanFile> files;
  std::vector<ExchangeUnit> units;
};

/// Takes the columns of the first file. kInvalidArgument without slices.
Status read_scan_schema(ExchangeContext& context, ExchangeScan& scan);

/// Counts the rows of slices whose num_rows is -1 and checks the ranges; sets `rows`.
Status count_scan_rows(ExchangeContext& context, ExchangeScan& scan);

/// Opens every file and lists its segments; units hold up to `unit_rows` rows, or one segment. Small segments are
/// cut, so that units are full; large ones only by a range, or with `cuts_all`, which is for one thread. `wanted` are
/// positions in `scan.names`. kDataCorrupt when a file is not what was planned.
Result<ExchangeScanPlan> plan_exchange_scan(ExchangeContext& context, const ExchangeScan& scan,
                                            const std::vector<std::size_t>& wanted, std::uint64_t unit_rows,
                                            bool cuts_all = false);

/// The wanted columns of some pieces, read many at once: for files on a store. The first error, in their order.
Result<std::vector<ExchangeChunks>> read_pieces(FileSystem& files, const ExchangeScanPlan& plan, std::span<const ExchangePiece> pieces);

}  // namespace millpond
