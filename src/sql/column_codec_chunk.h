#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "duckdb/common/types/validity_mask.hpp"
#include "duckdb/common/vector/flat_vector.hpp"
#include "duckdb/common/vector/unified_vector_format.hpp"
#include "millpond/result.h"

namespace millpond {

/// How the values of a chunk are stored; its first byte.
enum class ChunkKind : std::uint8_t {
  kPlain = 1,      ///< Values of the type's own width.
  kReference = 2,  ///< Integers as unsigned differences from a base.
  kStrings = 3,    ///< Lengths, then all bytes.
  kVectors = 4,    ///< DuckDB's own serialized vectors.
  kDecimals = 5,   ///< Doubles as integers divided by a power of ten.
};

/// The three bytes every chunk begins with.
struct ChunkHeader {
  ChunkKind kind = ChunkKind::kPlain;
  bool has_nulls = false;  ///< A bitmap follows the header: bit i is 1 when row i is not NULL.
  std::uint8_t width = 0;  ///< Bytes of a value, difference or length; 0: nothing is stored for each row.
};

inline constexpr std::size_t kChunkHeaderSize = 3;

inline std::size_t bitmap_size(std::size_t rows) { return (rows + 7) / 8; }

/// Unaligned little-endian numbers.
template <typename T>
T load(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
void store(void* to, const T& value) {
  std::memcpy(to, &value, sizeof value);
}

/// Whether a column had NULLs, and the bitmaps of its chunks while they are written. Part of every encoder.
class NullBitmaps {
 public:
  explicit NullBitmaps(std::size_t partitions) : partitions_(partitions) {}

  bool any() const { return any_; }
  /// Notes whether [0, count) of a vector holds a NULL.
  void measure(const duckdb::UnifiedVectorFormat& format, std::size_t count);
  /// Bytes a chunk of `rows` rows needs.
  std::size_t size(std::size_t rows) const { return any_ ? bitmap_size(rows) : 0; }
  /// Writes header and a cleared bitmap at each chunk's beginning; gives where the rest of each begins.
  std::vector<std::byte*> begin(ChunkHeader header, std::span<std::byte* const> chunks,
                                std::span<const std::uint32_t> rows);
  void write(const duckdb::UnifiedVectorFormat& format, std::span<const std::uint32_t> partitions);

 private:
  std::size_t partitions_;
  bool any_ = false;
  std::vector<std::byte*> bitmaps_;
  std::vector<std::uint32_t> next_;  // The next row of each partition.
};

/// The header of a chunk and what follows it, checked against the chunk's size.
struct OpenedChunk {
  ChunkHeader header;
  const char* bitmap = nullptr;  ///< Null when no row is NULL.
  std::string_view body;

  /// Whether row `row` is not NULL.
  bool valid(std::size_t row) const {
    return bitmap == nullptr || ((static_cast<unsigned char>(bitmap[row / 8]) >> (row % 8)) & 1) != 0;
  }
  /// Marks the NULLs of rows [from, from + count) in `out` from `out_offset` on.
  void read_nulls(std::size_t from, std::size_t count, duckdb::Vector& out, std::size_t out_offset) const;
};

Result<OpenedChunk> open_chunk(std::string_view chunk, std::size_t rows);
Status damaged_chunk(const char* what);

}  // namespace millpond
