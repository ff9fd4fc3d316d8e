#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sql/column_codec_chunk.h"

namespace millpond {

/// Calls visit.template operator()<W>() with the unsigned type of `width` bytes.
template <typename Visit>
void with_unsigned(std::uint8_t width, Visit&& visit) {
  switch (width) {
    case 1:
      return visit.template operator()<std::uint8_t>();
    case 2:
      return visit.template operator()<std::uint16_t>();
    default:
      return visit.template operator()<std::uint32_t>();
  }
}

/// Appends each value's stored form, `convert(value)`, to its partition's chunk: at `next[p]`, which moves on. NULLs store
/// zeros, so that equal rows give equal bytes.
template <typename T, typename W, typename Convert>
void scatter(const duckdb::UnifiedVectorFormat& format, std::span<const std::uint32_t> partitions,
             std::vector<std::byte*>& next, Convert convert) {
  const T* values = duckdb::UnifiedVectorFormat::GetDataUnsafe<T>(format);
  std::byte** ends = next.data();
  const std::size_t count = partitions.size();
  const auto put = [&](std::size_t row, const W& stored) {
    std::byte*& at = ends[partitions[row]];
    store(at, stored);
    at += sizeof(W);
  };
  if (!format.validity.CannotHaveNull()) {
    for (std::size_t row = 0; row < count; ++row) {
      const std::size_t position = format.sel->get_index(row);
      put(row, format.validity.RowIsValid(position) ? convert(values[position]) : W{});
    }
  } else if (format.sel->IsSet()) {
    for (std::size_t row = 0; row < count; ++row) put(row, convert(values[format.sel->get_index(row)]));
  } else {
    for (std::size_t row = 0; row < count; ++row) put(row, convert(values[row]));
  }
}

}  // namespace millpond
