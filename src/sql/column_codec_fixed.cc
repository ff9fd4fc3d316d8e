#include "sql/column_codec_fixed.h"

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

#include "sql/column_codec_decimals.h"
#include "sql/column_codec_scatter.h"

namespace millpond {
namespace {

using duckdb::PhysicalType;
using duckdb::UnifiedVectorFormat;
using duckdb::Vector;

using Bytes16 = std::array<std::uint64_t, 2>;  // HUGEINT, UUID, INTERVAL: moved as they are.

// Calls visit.template operator()<T>() with a type of the column's width and, for integers, its sign.
template <typename Visit>
bool with_width(PhysicalType type, Visit&& visit) {
  switch (type) {
    case PhysicalType::BOOL:
    case PhysicalType::UINT8:
    case PhysicalType::INT8:
      visit.template operator()<std::uint8_t>();
      return true;
    case PhysicalType::INT16:
      visit.template operator()<std::int16_t>();
      return true;
    case PhysicalType::UINT16:
      visit.template operator()<std::uint16_t>();
      return true;
    case PhysicalType::INT32:
      visit.template operator()<std::int32_t>();
      return true;
    case PhysicalType::UINT32:
      visit.template operator()<std::uint32_t>();
      return true;
    case PhysicalType::INT64:
      visit.template operator()<std::int64_t>();
      return true;
    case PhysicalType::UINT64:
      visit.template operator()<std::uint64_t>();
      return true;
    case PhysicalType::FLOAT:
      visit.template operator()<float>();
      return true;
    case PhysicalType::DOUBLE:
      visit.template operator()<double>();
      return true;
    case PhysicalType::INT128:
    case PhysicalType::UINT128:
    case PhysicalType::INTERVAL:
      visit.template operator()<Bytes16>();
      return true;
    default:
      return false;
  }
}

template <typename T>
class FixedEncoder : public ColumnEncoder {
  static constexpr bool kInteger = std::is_integral_v<T>;

 public:
  explicit FixedEncoder(std::size_t partitions) : nulls_(partitions) {}

  void measure(const Vector& rows, std::span<const std::uint32_t> partitions) override {
    UnifiedVectorFormat format;
    rows.ToUnifiedFormat(format);
    nulls_.measure(format, partitions.size());
    const T* values = UnifiedVectorFormat::GetDataUnsafe<T>(format);
    if (format.validity.CannotHaveNull()) {
      any_value_ = any_value_ || !partitions.empty();
      if constexpr (kInteger) widen(values, format, partitions.size());
      return;
    }
    for (std::size_t row = 0; row < partitions.size(); ++row) {
      const std::size_t position = format.sel->get_index(row);
      if (!format.validity.RowIsValid(position)) continue;
      any_value_ = true;
      if constexpr (kInteger) {
        minimum_ = std::min(minimum_, values[position]);
        maximum_ = std::max(maximum_, values[position]);
      }
    }
  }

  void layout(std::span<const std::uint32_t> rows, std::span<std::uint64_t> sizes) override {
    choose_width();
    const std::size_t prefix = kChunkHeaderSize + (header_.kind == ChunkKind::kReference ? sizeof(std::uint64_t) : 0);
    for (std::size_t p = 0; p < rows.size(); ++p) {
      if (rows[p] > 0) sizes[p] += prefix + nulls_.size(rows[p]) + std::uint64_t{rows[p]} * header_.width;
    }
  }

  void begin(std::span<std::byte* const> chunks, std::span<const std::uint32_t> rows) override {
    next_ = nulls_.begin(header_, chunks, rows);
    if constexpr (kInteger) {
      if (header_.kind != ChunkKind::kReference) return;
      for (std::byte*& at : next_) {
        if (at == nullptr) continue;
        store(at, static_cast<std::uint64_t>(minimum_));
        at += sizeof(std::uint64_t);
      }
    }
  }

  void write(const Vector& rows, std::span<const std::uint32_t> partitions) override {
    UnifiedVectorFormat format;
    rows.ToUnifiedFormat(format);
    nulls_.write(format, partitions);
    if (header_.width == 0) return;
    if constexpr (kInteger) {
      if (header_.kind == ChunkKind::kReference) {
        with_unsigned(header_.width, [&]<typename W>() {
          scatter<T, W>(format, partitions, next_, [base = minimum_](T value) {
            return static_cast<W>(static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(base));
          });
        });
        return;
      }
    }
    scatter<T, T>(format, partitions, next_, [](const T& value) { return value; });
  }

 private:
  void widen(const T* values, const UnifiedVectorFormat& format, std::size_t count) {
    T low = minimum_;
    T high = maximum_;
    if (!format.sel->IsSet()) {
      for (std::size_t row = 0; row < count; ++row) {
        low = std::min(low, values[row]);
        high = std::max(high, values[row]);
      }
    } else {
      for (std::size_t row = 0; row < count; ++row) {
        const T value = values[format.sel->get_index(row)];
        low = std::min(low, value);
        high = std::max(high, value);
      }
    }
    minimum_ = low;
    maximum_ = high;
  }

  void choose_width() {
    header_ = {ChunkKind::kPlain, false, sizeof(T)};
    if (!any_value_) header_.width = 0;  // All NULL: the bitmap says everything.
    if constexpr (kInteger) {
      if (!any_value_) return;
      const std::uint64_t range = static_cast<std::uint64_t>(maximum_) - static_cast<std::uint64_t>(minimum_);
      const std::uint8_t width = range == 0 ? 0 : range <= 0xff ? 1 : range <= 0xffff ? 2 : range <= 0xffffffff ? 4 : 8;
      if (width < sizeof(T)) header_ = {ChunkKind::kReference, false, width};
    }
  }

  NullBitmaps nulls_;
  ChunkHeader header_;
  bool any_value_ = false;
  T minimum_ = std::numeric_limits<T>::max();
  T maximum_ = std::numeric_limits<T>::lowest();
  std::vector<std::byte*> next_;
};

template <typename T>
class FixedDecoder : public ColumnDecoder {
 public:
  FixedDecoder(const OpenedChunk& chunk) : chunk_(chunk) {
    if (chunk.header.kind == ChunkKind::kReference) base_ = load<std::uint64_t>(chunk.body.data());
  }

  void read(std::size_t from, std::size_t count, Vector& out, std::size_t out_offset) const override {
    T* values = duckdb::FlatVector::GetDataMutableUnsafe<T>(out) + out_offset;
    chunk_.read_nulls(from, count, out, out_offset);
    if (chunk_.header.kind == ChunkKind::kPlain) {
      if (chunk_.header.width == 0) return;
      std::memcpy(static_cast<void*>(values), chunk_.body.data() + from * sizeof(T), count * sizeof(T));
      return;
    }
    if constexpr (std::is_integral_v<T>) {
      if (chunk_.header.width == 0) {
        std::fill_n(values, count, static_cast<T>(base_));
        return;
      }
      with_unsigned(chunk_.header.width, [&]<typename W>() {
        const char* at = chunk_.body.data() + sizeof(std::uint64_t) + from * sizeof(W);
        for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<T>(base_ + load<W>(at + i * sizeof(W)));
      });
    }
  }

 private:
  OpenedChunk chunk_;
  std::uint64_t base_ = 0;
};

template <typename T>
Status check_fixed(const OpenedChunk& chunk, std::size_t rows) {
  const ChunkHeader& header = chunk.header;
  std::size_t prefix = 0;
  bool known = header.width == sizeof(T) || header.width == 0;
  if (header.kind == ChunkKind::kReference) {
    prefix = sizeof(std::uint64_t);
    known = std::is_integral_v<T> && (header.width <= 2 || header.width == 4) && header.width < sizeof(T);
  } else if (header.kind != ChunkKind::kPlain) {
    known = false;
  }
  if (!known) return damaged_chunk("its encoding does not fit the column's type");
  // Rows are bounded by 32 bits when written; the division keeps a hostile number from overflowing.
  if (chunk.body.size() < prefix) return damaged_chunk("it is too short");
  const std::size_t values = chunk.body.size() - prefix;
  const bool fits = header.width == 0 ? values == 0 : values % header.width == 0 && values / header.width == rows;
  return fits ? Status::ok() : damaged_chunk("it has another number of rows");
}

}  // namespace

bool is_fixed_width(const duckdb::LogicalType& type) {
  return with_width(type.InternalType(), []<typename T>() {});
}

std::unique_ptr<ColumnEncoder> make_fixed_encoder(const duckdb::LogicalType& type, std::size_t partitions) {
  std::unique_ptr<ColumnEncoder> encoder;
  if (type.InternalType() == PhysicalType::DOUBLE) return make_double_encoder(partitions);
  with_width(type.InternalType(), [&]<typename T>() { encoder = std::make_unique<FixedEncoder<T>>(partitions); });
  return encoder;
}

Result<std::unique_ptr<ColumnDecoder>> make_fixed_decoder(const duckdb::LogicalType& type, const OpenedChunk& chunk,
                                                          std::size_t rows) {
  if (type.InternalType() == PhysicalType::DOUBLE && chunk.header.kind == ChunkKind::kDecimals) {
    return make_decimals_decoder(chunk, rows);
  }
  Status status;
  std::unique_ptr<ColumnDecoder> decoder;
  with_width(type.InternalType(), [&]<typename T>() {
    status = check_fixed<T>(chunk, rows);
    if (status.is_ok()) decoder = std::make_unique<FixedDecoder<T>>(chunk);
  });
  MILLPOND_RETURN_IF_ERROR(status);
  return decoder;
}

}  // namespace millpond
