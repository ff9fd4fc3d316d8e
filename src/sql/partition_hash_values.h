#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "duckdb/common/types/interval.hpp"
#include "duckdb/common/types/string_type.hpp"
#include "duckdb/common/types/uhugeint.hpp"

#define XXH_INLINE_ALL
#include "xxhash.h"

static_assert(std::endian::native == std::endian::little, "hashes are defined over little-endian bytes");

/// The canonical forms of docs/partition-hash.md, one function a form.
namespace millpond::hashing {

using Int128 = __int128;
using Uint128 = unsigned __int128;

inline constexpr std::uint64_t kSeed = 0x6d696c6c706f6e64;  // "millpond"
inline constexpr std::uint64_t kNullHash = 0x9ae16a3b2f90404f;

inline std::uint64_t of_bytes(const void* data, std::size_t size) { return XXH3_64bits_withSeed(data, size, kSeed); }

inline std::uint64_t of_int64(std::int64_t value) { return of_bytes(&value, sizeof value); }

/// Integers of any width: eight bytes where that is enough, else sixteen.
inline std::uint64_t of_int128(Int128 value) {
  const auto narrow = static_cast<std::int64_t>(value);
  return narrow == value ? of_int64(narrow) : of_bytes(&value, sizeof value);
}

inline std::uint64_t of_uint128(Uint128 value) {
  return value <= static_cast<Uint128>(INT64_MAX) ? of_int64(static_cast<std::int64_t>(value))
                                                  : of_bytes(&value, sizeof value);
}

inline std::uint64_t of_double(double value) {
  if (value == 0) value = 0;  // Also −0.0.
  std::uint64_t bits = std::isnan(value) ? 0x7ff8000000000000 : std::bit_cast<std::uint64_t>(value);
  return of_bytes(&bits, sizeof bits);
}

inline std::uint64_t combine(std::uint64_t left, std::uint64_t right) {
  const std::uint64_t pair[2] = {left, right};
  return of_bytes(pair, sizeof pair);
}

/// A decimal with its trailing zeros taken off; a whole number is an integer.
inline std::uint64_t of_decimal(Int128 unscaled, unsigned scale) {
  while (scale > 0 && unscaled % 10 == 0) {
    unscaled /= 10;
    --scale;
  }
  const std::uint64_t hash = of_int128(unscaled);
  return scale == 0 ? hash : combine(hash, scale);
}

/// A count of time units since an epoch, in units of 1/`per_second`, as microseconds; a rest of nanoseconds is
/// combined. The two infinities keep their own values.
inline std::uint64_t of_time(std::int64_t value, std::int64_t per_second) {
  if (value == INT64_MAX || value == -INT64_MAX || per_second == 1'000'000) return of_int64(value);
  if (per_second < 1'000'000) return of_int128(static_cast<Int128>(value) * (1'000'000 / per_second));
  const std::int64_t rest = ((value % 1000) + 1000) % 1000;
  const std::uint64_t hash = of_int128((static_cast<Int128>(value) - rest) / 1000);
  return rest == 0 ? hash : combine(hash, static_cast<std::uint64_t>(rest));
}

inline std::uint64_t of_date(std::int32_t days) {
  if (days == INT32_MAX) return of_int64(INT64_MAX);
  if (days == -INT32_MAX) return of_int64(-INT64_MAX);
  return of_int128(static_cast<Int128>(days) * 86'400'000'000);
}

/// Its whole length with days of 24 hours and months of 30 days, as DuckDB compares intervals.
inline std::uint64_t of_interval(const duckdb::interval_t& value) {
  const Int128 days = static_cast<Int128>(value.months) * 30 + value.days;
  return of_int128(days * 86'400'000'000 + value.micros);
}

inline std::uint64_t of_string(const duckdb::string_t& value) { return of_bytes(value.GetData(), value.GetSize()); }

inline Int128 wide(const duckdb::hugeint_t& value) {
  return static_cast<Int128>((static_cast<Uint128>(static_cast<std::uint64_t>(value.upper)) << 64) | value.lower);
}

inline Uint128 wide(const duckdb::uhugeint_t& value) { return (static_cast<Uint128>(value.upper) << 64) | value.lower; }

}  // namespace millpond::hashing
