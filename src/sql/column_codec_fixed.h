#pragma once

#include <memory>

#include "sql/column_codec.h"
#include "sql/column_codec_chunk.h"

namespace millpond {

/// Types whose values have a fixed width: numbers, dates and times, intervals, UUIDs, enums' codes.
bool is_fixed_width(const duckdb::LogicalType& type);

std::unique_ptr<ColumnEncoder> make_fixed_encoder(const duckdb::LogicalType& type, std::size_t partitions);
Result<std::unique_ptr<ColumnDecoder>> make_fixed_decoder(const duckdb::LogicalType& type, const OpenedChunk& chunk,
                                                          std::size_t rows);

}  // namespace millpond
