#include "sql/column_codec_chunk.h"

#include <string>

namespace millpond {

void NullBitmaps::measure(const duckdb::UnifiedVectorFormat& format, std::size_t count) {
  if (any_ || format.validity.CannotHaveNull()) return;
  for (std::size_t row = 0; row < count; ++row) {
    if (!format.validity.RowIsValid(format.sel->get_index(row))) {
      any_ = true;
      return;
    }
  }
}

std::vector<std::byte*> NullBitmaps::begin(ChunkHeader header, std::span<std::byte* const> chunks,
                                           std::span<const std::uint32_t> rows) {
  header.has_nulls = any_;
  std::vector<std::byte*> bodies(partitions_, nullptr);
  if (any_) {
    bitmaps_.assign(partitions_, nullptr);
    next_.assign(partitions_, 0);
  }
  for (std::size_t p = 0; p < partitions_; ++p) {
    if (rows[p] == 0) continue;
    std::byte* at = chunks[p];
    at[0] = static_cast<std::byte>(header.kind);
    at[1] = static_cast<std::byte>(header.has_nulls ? 1 : 0);
    at[2] = static_cast<std::byte>(header.width);
    at += kChunkHeaderSize;
    if (any_) {
      bitmaps_[p] = at;
      std::memset(at, 0, bitmap_size(rows[p]));
      at += bitmap_size(rows[p]);
    }
    bodies[p] = at;
  }
  return bodies;
}

void NullBitmaps::write(const duckdb::UnifiedVectorFormat& format, std::span<const std::uint32_t> partitions) {
  if (!any_) return;
  for (std::size_t row = 0; row < partitions.size(); ++row) {
    const std::uint32_t p = partitions[row];
    const std::uint32_t bit = next_[p]++;
    if (format.validity.RowIsValid(format.sel->get_index(row))) {
      bitmaps_[p][bit / 8] |= static_cast<std::byte>(1u << (bit % 8));
    }
  }
}

void OpenedChunk::read_nulls(std::size_t from, std::size_t count, duckdb::Vector& out, std::size_t out_offset) const {
  if (bitmap == nullptr) return;
  for (std::size_t i = 0; i < count; ++i) {
    if (!valid(from + i)) duckdb::FlatVector::SetNull(out, out_offset + i, true);
  }
}

Status damaged_chunk(const char* what) {
  return Status::data_corrupt(std::string("a column chunk of an exchange file can't be read: ") + what);
}

Result<OpenedChunk> open_chunk(std::string_view chunk, std::size_t rows) {
  if (chunk.size() < kChunkHeaderSize) return damaged_chunk("it is too short");
  OpenedChunk opened;
  const auto kind = static_cast<std::uint8_t>(chunk[0]);
  const auto flags = static_cast<std::uint8_t>(chunk[1]);
  if (kind < 1 || kind > 5 || flags > 1) return damaged_chunk("its encoding is not known");
  opened.header.kind = static_cast<ChunkKind>(kind);
  opened.header.has_nulls = flags == 1;
  opened.header.width = static_cast<std::uint8_t>(chunk[2]);
  opened.body = chunk.substr(kChunkHeaderSize);
  if (opened.header.has_nulls) {
    if (opened.body.size() < bitmap_size(rows)) return damaged_chunk("it is too short for its NULLs");
    opened.bitmap = opened.body.data();
    opened.body.remove_prefix(bitmap_size(rows));
  }
  return opened;
}

}  // namespace millpond
