#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "duckdb/common/types/vector.hpp"
#include "millpond/result.h"

namespace millpond {

/// Encodes one column of one batch, dealt to partitions, into one chunk a partition (docs/exchange-format.md).
/// Two passes over the same vectors: measure each, lay out once, write each. The chunk's bytes are written straight to
/// where they lie in the batch's buffer, so there is no copy and no allocation a row.
/// Not thread-safe; one batch each. DuckDB's exceptions may pass through.
class ColumnEncoder {
 public:
  virtual ~ColumnEncoder() = default;

  /// First pass: rows [0, count) of `rows`; `partitions` says where each goes.
  virtual void measure(const duckdb::Vector& rows, std::span<const std::uint32_t> partitions) = 0;

  /// After the first pass: the chunk's bytes for each partition that has `rows[p]` > 0, added to sizes[p].
  virtual void layout(std::span<const std::uint32_t> rows, std::span<std::uint64_t> sizes) = 0;

  /// Before the second pass: where each partition's chunk begins (unused for a partition without rows).
  virtual void begin(std::span<std::byte* const> chunks, std::span<const std::uint32_t> rows) = 0;

  /// Second pass, with the same vectors in the same order.
  virtual void write(const duckdb::Vector& rows, std::span<const std::uint32_t> partitions) = 0;
};

/// The encoder for a type, for batches that deal rows to `partitions` partitions.
std::unique_ptr<ColumnEncoder> make_column_encoder(const duckdb::LogicalType& type, std::size_t partitions);

/// Decodes one chunk. The bytes are checked when it is made: lengths that do not add up are kDataCorrupt.
class ColumnDecoder {
 public:
  virtual ~ColumnDecoder() = default;

  /// Puts rows [from, from + count) at `out_offset` of the flat vector `out`, which has room for them. May keep
  /// pointers into the chunk's bytes; the caller ties their owner to the vector.
  virtual void read(std::size_t from, std::size_t count, duckdb::Vector& out, std::size_t out_offset) const = 0;

  /// Whether read() leaves pointers into the chunk's bytes.
  virtual bool borrows() const { return false; }
};

/// A decoder over `chunk`, which holds `rows` values of `type` and outlives it.
Result<std::unique_ptr<ColumnDecoder>> make_column_decoder(const duckdb::LogicalType& type, std::string_view chunk,
                                                           std::size_t rows);

}  // namespace millpond
