#pragma once

#include <memory>

#include "sql/column_codec.h"
#include "sql/column_codec_chunk.h"

namespace millpond {

/// Every type that is neither of fixed width nor bytes (LIST, STRUCT, MAP, ARRAY, UNION, VARIANT, …), as DuckDB itself
/// serializes vectors. Exact for each type, but it builds one vector a partition: about ten times the cost of a flat
/// column.
std::unique_ptr<ColumnEncoder> make_vectors_encoder(const duckdb::LogicalType& type, std::size_t partitions);
Result<std::unique_ptr<ColumnDecoder>> make_vectors_decoder(const duckdb::LogicalType& type, const OpenedChunk& chunk,
                                                            std::size_t rows);

}  // namespace millpond
