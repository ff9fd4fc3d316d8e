#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "duckdb/common/types/data_chunk.hpp"
#include "task/task.h"

namespace millpond {

/// A Placement bound to the columns of a query: says for each row which partition it belongs to. Immutable,
/// thread-safe.
class RowPlacer {
 public:
  /// Throws DuckDB's BinderException for a key that is not there or has a type that can't be a key.
  RowPlacer(Placement placement, const std::vector<std::string>& names, const std::vector<duckdb::LogicalType>& types);

  const Placement& placement() const { return placement_; }
  std::size_t partitions() const { return static_cast<std::size_t>(placement_.count); }
  /// Positions of the columns that go to the file.
  const std::vector<std::size_t>& written() const { return written_; }
  /// Whether place() needs to know the number of the chunk's first row in the whole result.
  bool needs_row_numbers() const { return placement_.kind == Placement::Kind::kRandom; }

  /// The partition of each row of `rows`. Throws InvalidInputException with the value for a partition number that is
  /// NULL or out of range.
  void place(const duckdb::DataChunk& rows, std::uint64_t first_row, std::span<std::uint32_t> partitions) const;

 private:
  void place_by_hash(const duckdb::DataChunk& rows, std::span<std::uint32_t> partitions) const;
  void place_by_number(const duckdb::Vector& numbers, std::span<std::uint32_t> partitions) const;

  Placement placement_;
  std::vector<std::size_t> keys_;
  std::vector<std::size_t> written_;
};

}  // namespace millpond
