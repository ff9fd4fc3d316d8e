#pragma once

#include <memory>

#include "sql/column_codec.h"
#include "sql/column_codec_chunk.h"

namespace millpond {

/// VARCHAR, BLOB, BIT, BIGNUM, GEOMETRY: bytes of any length.
std::unique_ptr<ColumnEncoder> make_strings_encoder(std::size_t partitions);
Result<std::unique_ptr<ColumnDecoder>> make_strings_decoder(const OpenedChunk& chunk, std::size_t rows);

}  // namespace millpond
