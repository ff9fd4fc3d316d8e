// Doubles are stored as decimals where that is the same to the bit; all others as they are.

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "sql/column_codec.h"
#include "sql/column_codec_chunk.h"
#include "sql/exchange_fixture.h"

using namespace millpond;

namespace {

using Values = std::vector<std::optional<double>>;

/// A chunk of one partition that holds the values, given in vectors of at most `vector_rows`.
std::string encode(const Values& values, std::size_t vector_rows = 2048) {
  const auto encoder = make_column_encoder(duckdb::LogicalType::DOUBLE, 1);
  const auto each = [&](auto visit) {
    for (std::size_t from = 0; from < values.size(); from += vector_rows) {
      const std::size_t count = std::min(vector_rows, values.size() - from);
      duckdb::Vector vector(duckdb::LogicalType::DOUBLE, count);
      for (std::size_t i = 0; i < count; ++i) {
        if (!values[from + i]) {
          duckdb::FlatVector::SetNull(vector, i, true);
          // What lies under a NULL must not matter.
          duckdb::FlatVector::GetDataMutableUnsafe<double>(vector)[i] = std::numeric_limits<double>::quiet_NaN();
        } else {
          duckdb::FlatVector::GetDataMutableUnsafe<double>(vector)[i] = *values[from + i];
        }
      }
      const std::vector<std::uint32_t> partitions(count, 0);
      visit(vector, partitions);
    }
  };
  each([&](const auto& vector, const auto& partitions) { encoder->measure(vector, partitions); });
  const std::vector<std::uint32_t> rows = {static_cast<std::uint32_t>(values.size())};
  std::vector<std::uint64_t> sizes = {0};
  encoder->layout(rows, sizes);
  std::string chunk(sizes[0], '\0');
  std::vector<std::byte*> begins = {reinterpret_cast<std::byte*>(chunk.data())};
  encoder->begin(begins, rows);
  each([&](const auto& vector, const auto& partitions) { encoder->write(vector, partitions); });
  return chunk;
}

/// Whether the chunk gives the values back to the bit.
bool holds(const std::string& chunk, const Values& values) {
  const auto decoder = make_column_decoder(duckdb::LogicalType::DOUBLE, chunk, values.size());
  if (!decoder.is_ok()) return false;
  for (std::size_t from = 0; from < values.size(); from += 1000) {
    const std::size_t count = std::min<std::size_t>(1000, values.size() - from);
    duckdb::Vector out(duckdb::LogicalType::DOUBLE, count);
    (*decoder)->read(from, count, out, 0);
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_null = duckdb::FlatVector::IsNull(out, i);
      if (is_null == values[from + i].has_value()) return false;
      if (is_null) continue;
      const double value = duckdb::FlatVector::GetData<double>(out)[i];
      if (std::bit_cast<std::uint64_t>(value) != std::bit_cast<std::uint64_t>(*values[from + i])) return false;
    }
  }
  return true;
}

ChunkKind kind_of(const std::string& chunk) { return static_cast<ChunkKind>(chunk[0]); }
int width_of(const std::string& chunk) { return chunk[2]; }

Values cents(std::size_t count) {
  Values values;
  for (std::size_t i = 0; i < count; ++i) values.emplace_back(static_cast<double>(5000 + i * 37 % 7000) / 100);
  return values;
}

}  // namespace

TEST_CASE("prices take two bytes each and come back to the bit") {
  const Values values = cents(10000);
  const std::string chunk = encode(values);
  CHECK(kind_of(chunk) == ChunkKind::kDecimals);
  CHECK(width_of(chunk) == 2);
  CHECK(chunk.size() < 10000 * 2 + 100);
  CHECK(holds(chunk, values));
}

TEST_CASE("one value that is no such decimal makes the batch plain, wherever it stands") {
  const double odd[] = {-0.0,
                        std::numeric_limits<double>::quiet_NaN(),
                        -std::numeric_limits<double>::quiet_NaN(),
                        std::bit_cast<double>(std::uint64_t{0x7ff8000000001234}),
                        std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity(),
                        std::numeric_limits<double>::denorm_min(),
                        1.0 / 3,
                        1e300,
                        0.1 + 0.2,
                        9007199254740993.0,
                        1e-7};
  for (const double one : odd) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{2047}, std::size_t{2048}, std::size_t{4999}}) {
      Values values = cents(5000);
      values[at] = one;
      const std::string chunk = encode(values);
      CHECK(kind_of(chunk) == ChunkKind::kPlain);
      CHECK(holds(chunk, values));
    }
    CHECK(holds(encode({one}), {one}));
  }
}

TEST_CASE("more digits later raise the power for what came before") {
  Values values;
  for (int i = 0; i < 3000; ++i) values.emplace_back(i);
  for (int i = 0; i < 3000; ++i) values.emplace_back(i / 10.0);
  for (int i = 0; i < 3000; ++i) values.emplace_back(-i / 1e6);
  const std::string chunk = encode(values, 1000);
  CHECK(kind_of(chunk) == ChunkKind::kDecimals);
  CHECK(width_of(chunk) == 4);
  CHECK(holds(chunk, values));
}

TEST_CASE("constants, NULLs and empty vectors of doubles") {
  const Values constant(5000, 2.5);
  CHECK(width_of(encode(constant)) == 0);
  CHECK(holds(encode(constant), constant));
  const Values nothing(3000, std::nullopt);
  CHECK(holds(encode(nothing), nothing));
  Values some = cents(6000);
  for (std::size_t i = 0; i < some.size(); i += 3) some[i].reset();
  CHECK(kind_of(encode(some)) == ChunkKind::kDecimals);
  CHECK(holds(encode(some), some));
}

TEST_CASE("random doubles of every size come back to the bit") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 400; ++round) {
    const double power = std::pow(10, static_cast<double>(random() % 9));
    const std::uint64_t range = std::uint64_t{1} << (random() % 54);
    const bool is_odd = round % 5 == 0;
    Values values;
    for (int i = 0; i < 3000; ++i) {
      const auto integer = static_cast<double>(random() % range) - static_cast<double>(range / 2);
      values.emplace_back(integer / power);
      if (is_odd && i > 2500) values.back() = std::bit_cast<double>(random());
      if (round % 7 == 0 && i % 11 == 0) values.back().reset();
    }
    CHECK(holds(encode(values), values));
  }
}

TEST_CASE("a damaged chunk of decimals is refused") {
  const Values values = cents(100);
  const std::string chunk = encode(values);
  REQUIRE(kind_of(chunk) == ChunkKind::kDecimals);
  const auto is_refused = [](const std::string& damaged, std::size_t rows) {
    const auto decoder = make_column_decoder(duckdb::LogicalType::DOUBLE, damaged, rows);
    return !decoder.is_ok() && decoder.status().code() == StatusCode::kDataCorrupt;
  };
  CHECK(is_refused(chunk, 99));
  CHECK(is_refused(chunk, 101));
  for (std::size_t size = 0; size < chunk.size(); ++size) CHECK(is_refused(chunk.substr(0, size), 100));
  std::string power = chunk;
  power[3 + 8] = 7;
  CHECK(is_refused(power, 100));
  std::string width = chunk;
  width[2] = 8;
  CHECK(is_refused(width, 100));
  std::string other = chunk;
  CHECK_FALSE(make_column_decoder(duckdb::LogicalType::BIGINT, other, 100).is_ok());
}
