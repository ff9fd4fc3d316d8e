#include "sql/column_codec_strings.h"

#include <algorithm>

#include "duckdb/common/types/string_type.hpp"
#include "sql/column_codec_scatter.h"

namespace millpond {
namespace {

using duckdb::string_t;
using duckdb::UnifiedVectorFormat;
using duckdb::Vector;

// After the header and the bitmap: with width 0 one 32-bit length for all rows, else a length a row; then the bytes.
class StringsEncoder : public ColumnEncoder {
 public:
  explicit StringsEncoder(std::size_t partitions) : nulls_(partitions), bytes_(partitions, 0) {}

  void measure(const Vector& rows, std::span<const std::uint32_t> partitions) override {
    UnifiedVectorFormat format;
    rows.ToUnifiedFormat(format);
    nulls_.measure(format, partitions.size());
    for_each(format, partitions, [&](std::uint32_t p, const char*, std::uint32_t size) {
      bytes_[p] += size;
      shortest_ = std::min(shortest_, size);
      longest_ = std::max(longest_, size);
    });
  }

  void layout(std::span<const std::uint32_t> rows, std::span<std::uint64_t> sizes) override {
    header_.kind = ChunkKind::kStrings;
    header_.width = shortest_ >= longest_ ? 0 : longest_ <= 0xff ? 1 : longest_ <= 0xffff ? 2 : 4;
    for (std::size_t p = 0; p < rows.size(); ++p) {
      if (rows[p] > 0) sizes[p] += kChunkHeaderSize + nulls_.size(rows[p]) + lengths_size(rows[p]) + bytes_[p];
    }
  }

  void begin(std::span<std::byte* const> chunks, std::span<const std::uint32_t> rows) override {
    lengths_ = nulls_.begin(header_, chunks, rows);
    next_.assign(lengths_.size(), nullptr);
    end_.assign(lengths_.size(), nullptr);
    for (std::size_t p = 0; p < lengths_.size(); ++p) {
      if (lengths_[p] == nullptr) continue;
      if (header_.width == 0) store(lengths_[p], longest_);
      next_[p] = lengths_[p] + lengths_size(rows[p]);
      end_[p] = next_[p] + bytes_[p];
    }
  }

  void write(const Vector& rows, std::span<const std::uint32_t> partitions) override {
    UnifiedVectorFormat format;
    rows.ToUnifiedFormat(format);
    nulls_.write(format, partitions);
    if (header_.width == 0) {
      for_each(format, partitions, [&](std::uint32_t p, const char* data, std::uint32_t size) { put(p, data, size); });
      return;
    }
    with_unsigned(header_.width, [&]<typename W>() {
      for_each(format, partitions, [&](std::uint32_t p, const char* data, std::uint32_t size) {
        store(lengths_[p], static_cast<W>(size));
        lengths_[p] += sizeof(W);
        put(p, data, size);
      });
    });
  }

 private:
  std::uint64_t lengths_size(std::uint32_t rows) const {
    return header_.width == 0 ? sizeof(std::uint32_t) : std::uint64_t{rows} * header_.width;
  }

  // Calls visit(partition, bytes, size) for each row; a NULL has no bytes.
  template <typename Visit>
  static void for_each(const UnifiedVectorFormat& format, std::span<const std::uint32_t> partitions, Visit visit) {
    const string_t* values = UnifiedVectorFormat::GetDataUnsafe<string_t>(format);
    const bool no_nulls = format.validity.CannotHaveNull();
    for (std::size_t row = 0; row < partitions.size(); ++row) {
      const std::size_t position = format.sel->get_index(row);
      if (no_nulls || format.validity.RowIsValid(position)) {
        const string_t& value = values[position];
        visit(partitions[row], value.GetData(), static_cast<std::uint32_t>(value.GetSize()));
      } else {
        visit(partitions[row], nullptr, 0);
      }
    }
  }

  void put(std::uint32_t p, const char* data, std::uint32_t size) {
    std::byte* at = next_[p];
    // Most strings are short and inlined: a copy of a fixed size is much faster than one of any size. Up to 12 bytes
    // lie in the string itself, and the bytes written beyond the string are overwritten by the next one.
    if (size <= string_t::INLINE_LENGTH && static_cast<std::size_t>(end_[p] - at) >= string_t::INLINE_LENGTH &&
        data != nullptr) {
      std::memcpy(at, data, string_t::INLINE_LENGTH);
    } else if (size > 0) {
      std::memcpy(at, data, size);
    }
    next_[p] = at + size;
  }

  NullBitmaps nulls_;
  ChunkHeader header_;
  std::uint32_t shortest_ = UINT32_MAX;
  std::uint32_t longest_ = 0;
  std::vector<std::uint64_t> bytes_;
  std::vector<std::byte*> lengths_;
  std::vector<std::byte*> next_;
  std::vector<std::byte*> end_;
};

class StringsDecoder : public ColumnDecoder {
 public:
  StringsDecoder(const OpenedChunk& chunk, std::size_t rows) : chunk_(chunk) {
    const std::uint8_t width = chunk.header.width;
    const char* lengths = chunk.body.data();
    if (width == 0) {
      size_ = load<std::uint32_t>(lengths);
      bytes_ = lengths + sizeof(std::uint32_t);
      return;
    }
    bytes_ = lengths + rows * width;
    // Where every 1024th string begins, so that a read from the middle needs no walk from the start.
    with_unsigned(width, [&]<typename W>() {
      std::uint64_t offset = 0;
      for (std::size_t row = 0; row < rows; ++row) {
        if (row % kStride == 0) marks_.push_back(offset);
        offset += load<W>(lengths + row * sizeof(W));
      }
    });
  }

  bool borrows() const override { return true; }

  void read(std::size_t from, std::size_t count, Vector& out, std::size_t out_offset) const override {
    chunk_.read_nulls(from, count, out, out_offset);
    string_t* values = duckdb::FlatVector::GetDataMutableUnsafe<string_t>(out) + out_offset;
    if (count == 0) return;
    if (chunk_.header.width == 0) {
      const char* at = bytes_ + from * size_;
      for (std::size_t i = 0; i < count; ++i, at += size_) values[i] = string_t(at, size_);
      return;
    }
    with_unsigned(chunk_.header.width, [&]<typename W>() {
      const char* lengths = chunk_.body.data();
      const char* at = bytes_ + marks_[from / kStride];
      for (std::size_t row = from / kStride * kStride; row < from; ++row) at += load<W>(lengths + row * sizeof(W));
      for (std::size_t i = 0; i < count; ++i) {
        const W size = load<W>(lengths + (from + i) * sizeof(W));
        values[i] = string_t(at, size);
        at += size;
      }
    });
  }

 private:
  static constexpr std::size_t kStride = 1024;

  OpenedChunk chunk_;
  std::uint32_t size_ = 0;
  const char* bytes_ = nullptr;
  std::vector<std::uint64_t> marks_;
};

// The lengths must add up to the bytes there are.
Status check_strings(const OpenedChunk& chunk, std::size_t rows) {
  const std::uint8_t width = chunk.header.width;
  const std::size_t size = chunk.body.size();
  if (width == 0) {
    if (size < sizeof(std::uint32_t)) return damaged_chunk("it is too short for its length");
    const std::uint64_t length = load<std::uint32_t>(chunk.body.data());
    const std::uint64_t bytes = size - sizeof(std::uint32_t);
    const bool fits = length == 0 ? bytes == 0 : bytes % length == 0 && bytes / length == rows;
    return fits ? Status::ok() : damaged_chunk("its length does not fit its bytes");
  }
  if (width != 1 && width != 2 && width != 4) return damaged_chunk("its encoding does not fit the column's type");
  if (size / width < rows) return damaged_chunk("it is too short for its lengths");
  std::uint64_t total = 0;
  with_unsigned(width, [&]<typename W>() {
    for (std::size_t row = 0; row < rows; ++row) total += load<W>(chunk.body.data() + row * sizeof(W));
  });
  return total == size - rows * width ? Status::ok() : damaged_chunk("its lengths do not add up to its bytes");
}

}  // namespace

std::unique_ptr<ColumnEncoder> make_strings_encoder(std::size_t partitions) {
  return std::make_unique<StringsEncoder>(partitions);
}

Result<std::unique_ptr<ColumnDecoder>> make_strings_decoder(const OpenedChunk& chunk, std::size_t rows) {
  if (chunk.header.kind != ChunkKind::kStrings) return damaged_chunk("its encoding does not fit the column's type");
  MILLPOND_RETURN_IF_ERROR(check_strings(chunk, rows));
  return std::unique_ptr<ColumnDecoder>(std::make_unique<StringsDecoder>(chunk, rows));
}

}  // namespace millpond
