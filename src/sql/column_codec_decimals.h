#pragma once

#include <memory>

#include "sql/column_codec.h"
#include "sql/column_codec_chunk.h"

namespace millpond {

/// Of doubles. Prices, shares and the like are decimal numbers of few digits: where all values of a batch are integers
/// divided by one power of ten, to the bit, the integers are stored as differences. After Afroozeh, Kuffó and Boncz, "ALP:
/// Adaptive Lossless floating-Point Compression" (SIGMOD 2023), with one exponent a batch and no exceptions.
std::unique_ptr<ColumnEncoder> make_double_encoder(std::size_t partitions);

/// Of a chunk of kind kDecimals.
Result<std::unique_ptr<ColumnDecoder>> make_decimals_decoder(const OpenedChunk& chunk, std::size_t rows);

}  // namespace millpond
