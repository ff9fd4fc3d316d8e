#include "sql/column_codec_decimals.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "sql/column_codec_scatter.h"

namespace millpond {
namespace {

using duckdb::UnifiedVectorFormat;
using duckdb::Vector;

constexpr std::array<double, 7> kPowers = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
// Below this, a value times a power of ten is nearer to its integer than to any other, whatever was rounded on the way,
// and an integer that fits one power fits every higher one, too.
constexpr double kMost = 562949953421312.0;  // 2^49
// Added and taken away again, this rounds a double below 2^51 to the nearest integer.
constexpr double kRounder = 6755399441055744.0;  // 1.5 * 2^52

double to_integer(double value, double power) { return value * power + kRounder - kRounder; }

// The base, then the exponent.
constexpr std::size_t kPrefix = sizeof(std::int64_t) + 1;

class DoubleEncoder : public ColumnEncoder {
 public:
  explicit DoubleEncoder(std::size_t partitions) : nulls_(partitions) {}

  void measure(const Vector& rows, std::span<const std::uint32_t> partitions) override {
    UnifiedVectorFormat format;
    rows.ToUnifiedFormat(format);
    nulls_.measure(format, partitions.size());
    while (is_decimal_ && !measure_at(format, partitions.size())) raise_exponent();
    if (!is_decimal_ && !any_value_) note_values(format, partitions.size());
  }

  void layout(std::span<const std::uint32_t> rows, std::span<std::uint64_t> sizes) override {
    header_ = {ChunkKind::kPlain, false, sizeof(double)};
    if (!any_value_) header_.width = 0;
    if (any_value_ && is_decimal_) {
      const double range = highest_ - lowest_;
      const std::uint8_t width = range == 0 ? 0 : range <= 0xff ? 1 : range <= 0xffff ? 2 : range <= 0xffffffff ? 4 : 8;
      if (width < sizeof(double)) header_ = {ChunkKind::kDecimals, false, width};
    }
    const std::size_t prefix = kChunkHeaderSize + (header_.kind == ChunkKind::kDecimals ? kPrefix : 0);
    for (std::size_t p = 0; p < rows.size(); ++p) {
      if (rows[p] > 0) sizes[p] += prefix + nulls_.size(rows[p]) + std::uint64_t{rows[p]} * header_.width;
    }
  }

  void begin(std::span<std::byte* const> chunks, std::span<const std::uint32_t> rows) override {
    next_ = nulls_.begin(header_, chunks, rows);
    if (header_.kind != ChunkKind::kDecimals) return;
    for (std::byte*& at : next_) {
      if (at == nullptr) continue;
      store(at, static_cast<std::int64_t>(lowest_));
      at[sizeof(std::int64_t)] = static_cast<std::byte>(exponent_);
      at += kPrefix;
    }
  }

  void write(const Vector& rows, std::span<const std::uint32_t> partitions) override {
    UnifiedVectorFormat format;
    rows.ToUnifiedFormat(format);
    nulls_.write(format, partitions);
    if (header_.width == 0) return;
    if (header_.kind == ChunkKind::kPlain) {
      scatter<double, double>(format, partitions, next_, [](double value) { return value; });
      return;
    }
    const double power = kPowers[exponent_];
    with_unsigned(header_.width, [&]<typename W>() {
      scatter<double, W>(format, partitions, next_, [power, lowest = lowest_](double value) {
        return static_cast<W>(static_cast<std::int64_t>(to_integer(value, power) - lowest));
      });
    });
  }

 private:
  // Whether all values are integers divided by the current power; only then the bounds are widened.
  bool measure_at(const UnifiedVectorFormat& format, std::size_t count) {
    const double* values = UnifiedVectorFormat::GetDataUnsafe<double>(format);
    const double power = kPowers[exponent_];
    double low = lowest_;
    double high = highest_;
    std::uint64_t differences = 0;
    bool is_near = true;  // False for what is too large, and for NaN, whose bits survive all this.
    bool any = any_value_;
    const auto look = [&](double value) {
      const double integer = to_integer(value, power);
      differences |= std::bit_cast<std::uint64_t>(integer / power) ^ std::bit_cast<std::uint64_t>(value);
      is_near = is_near && integer > -kMost && integer < kMost;
      low = std::min(low, integer);
      high = std::max(high, integer);
    };
    if (format.validity.CannotHaveNull() && !format.sel->IsSet()) {
      for (std::size_t row = 0; row < count; ++row) look(values[row]);
      any = any || count > 0;
    } else {
      for (std::size_t row = 0; row < count; ++row) {
        const std::size_t position = format.sel->get_index(row);
        if (!format.validity.RowIsValid(position)) continue;
        look(values[position]);
        any = true;
      }
    }
    if (differences != 0 || !is_near) return false;
    lowest_ = low;
    highest_ = high;
    any_value_ = any;
    return true;
  }

  void raise_exponent() {
    constexpr double kStep = 10;
    is_decimal_ = ++exponent_ < kPowers.size() && (!any_value_ || std::max(-lowest_, highest_) < kMost / kStep);
    if (!is_decimal_ || !any_value_) return;
    lowest_ *= kStep;
    highest_ *= kStep;
  }

  void note_values(const UnifiedVectorFormat& format, std::size_t count) {
    for (std::size_t row = 0; row < count && !any_value_; ++row) any_value_ = format.validity.RowIsValid(format.sel->get_index(row));
  }

  NullBitmaps nulls_;
  ChunkHeader header_;
  bool any_value_ = false;
  bool is_decimal_ = true;    ///< So far.
  std::size_t exponent_ = 0;
  double lowest_ = std::numeric_limits<double>::infinity();
  double highest_ = -std::numeric_limits<double>::infinity();
  std::vector<std::byte*> next_;
};

class DecimalsDecoder : public ColumnDecoder {
 public:
  explicit DecimalsDecoder(const OpenedChunk& chunk)
      : chunk_(chunk),
        base_(static_cast<double>(load<std::int64_t>(chunk.body.data()))),
        power_(kPowers[static_cast<unsigned char>(chunk.body[sizeof(std::int64_t)])]) {}

  void read(std::size_t from, std::size_t count, Vector& out, std::size_t out_offset) const override {
    double* values = duckdb::FlatVector::GetDataMutableUnsafe<double>(out) + out_offset;
    chunk_.read_nulls(from, count, out, out_offset);
    if (chunk_.header.width == 0) {
      std::fill_n(values, count, base_ / power_);
      return;
    }
    with_unsigned(chunk_.header.width, [&]<typename W>() {
      const char* at = chunk_.body.data() + kPrefix + from * sizeof(W);
      for (std::size_t i = 0; i < count; ++i) {
        values[i] = (base_ + static_cast<double>(load<W>(at + i * sizeof(W)))) / power_;
      }
    });
  }

 private:
  OpenedChunk chunk_;
  double base_;
  double power_;
};

}  // namespace

std::unique_ptr<ColumnEncoder> make_double_encoder(std::size_t partitions) {
  return std::make_unique<DoubleEncoder>(partitions);
}

Result<std::unique_ptr<ColumnDecoder>> make_decimals_decoder(const OpenedChunk& chunk, std::size_t rows) {
  const std::uint8_t width = chunk.header.width;
  if (width > 2 && width != 4) return damaged_chunk("its encoding does not fit the column's type");
  if (chunk.body.size() < kPrefix) return damaged_chunk("it is too short");
  if (static_cast<unsigned char>(chunk.body[sizeof(std::int64_t)]) >= kPowers.size()) {
    return damaged_chunk("its power of ten is not known");
  }
  const std::size_t values = chunk.body.size() - kPrefix;
  const bool fits = width == 0 ? values == 0 : values % width == 0 && values / width == rows;
  if (!fits) return damaged_chunk("it has another number of rows");
  return std::unique_ptr<ColumnDecoder>(std::make_unique<DecimalsDecoder>(chunk));
}

}  // namespace millpond
