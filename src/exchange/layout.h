#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "millpond/result.h"

namespace millpond {

/// The number in every exchange file. A reader refuses any other (docs/exchange-format.md).
inline constexpr std::uint32_t kExchangeFormatVersion = 2;

/// Eight bytes at the start of an exchange file, and eight others at its end.
inline constexpr char kExchangeMagic[] = "MPXCHG\r\n";
inline constexpr char kExchangeEndMagic[] = "\nEXCHGPM";
inline constexpr std::size_t kExchangeMagicSize = 8;
/// The header: magic, format version, four zero bytes.
inline constexpr std::size_t kExchangeHeaderSize = 16;
/// The footer: see ExchangeFooter.
inline constexpr std::size_t kExchangeFooterSize = 64;

/// More partitions than this in one file are refused: a number beyond it is a damaged file or a mistake.
inline constexpr std::int64_t kMaxExchangePartitions = 1 << 24;

/// A column as the file stores it.
struct ExchangeColumn {
  std::string name;
  std::string type;       ///< DuckDB's SQL for the type, for people and for checks.
  std::string type_blob;  ///< DuckDB's own serialized type; opaque here, exact for every type.

  bool operator==(const ExchangeColumn&) const = default;
};

/// One column of one segment: a byte range of the file.
struct ExchangeChunk {
  std::uint64_t length = 0;
  std::uint64_t checksum = 0;  ///< XXH3-64 of the bytes.

  bool operator==(const ExchangeChunk&) const = default;
};

/// The rows of one partition in one written batch: the chunks of all columns, one after the other from `offset`.
struct ExchangeSegment {
  std::uint64_t offset = 0;
  std::uint64_t rows = 0;
  std::vector<ExchangeChunk> chunks;

  std::uint64_t length() const;
  bool operator==(const ExchangeSegment&) const = default;
};

/// A byte range of the file that holds a piece of a partition's segment list. Length 0: there is none.
struct ExchangeListPlace {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t checksum = 0;  ///< XXH3-64 of the bytes.

  bool operator==(const ExchangeListPlace&) const = default;
};

/// Segments that follow one another in a partition, and where those before them are listed.
struct ExchangeListPiece {
  ExchangeListPlace previous;
  std::vector<ExchangeSegment> segments;
};

/// What the index's root says of a partition.
struct ExchangePartition {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  ///< Of all its chunks.
  std::uint64_t segments = 0;
  ExchangeListPlace list;  ///< The last piece of its segment list.

  bool operator==(const ExchangePartition&) const = default;
};

/// The last 64 bytes of the file.
struct ExchangeFooter {
  std::uint64_t root_offset = 0;
  std::uint64_t root_length = 0;
  std::string root_digest;  ///< XXH3-128 of the root, 32 hex digits.
};

/// The index's root: columns, then one fixed-size entry a partition, so that one partition is found without reading
/// the others' segment lists.
struct ExchangeRoot {
  std::vector<ExchangeColumn> columns;
  std::vector<ExchangePartition> partitions;

  bool operator==(const ExchangeRoot&) const = default;
};

/// The header's 16 bytes.
std::string encode_exchange_header();
/// kDataCorrupt when it is no exchange file, kUnsupported when it has another format version.
Status check_exchange_header(std::string_view bytes);

std::string encode_exchange_footer(const ExchangeFooter& footer);
/// `bytes` are the file's last kExchangeFooterSize, `file_size` its length. kDataCorrupt when anything is off.
Result<ExchangeFooter> decode_exchange_footer(std::string_view bytes, std::uint64_t file_size);

std::string encode_exchange_root(const ExchangeRoot& root);
/// Checks that every list lies before `root_offset`. kDataCorrupt otherwise; never allocates beyond the input's size.
Result<ExchangeRoot> decode_exchange_root(std::string_view bytes, std::uint64_t root_offset);

/// Begins a piece of a list: says where the piece before it lies.
void encode_exchange_link(const ExchangeListPlace& previous, std::string& piece);
/// Appends one segment to a piece of a list.
void encode_exchange_segment(const ExchangeSegment& segment, std::string& piece);
/// `bytes` are what lies at `place`. Every chunk must lie before `data_end`, and the piece before it earlier in the file, so
/// that a chain of pieces ends. Never allocates much beyond the input's size.
Result<ExchangeListPiece> decode_exchange_piece(std::string_view bytes, const ExchangeListPlace& place,
                                                std::size_t columns, std::uint64_t data_end);
/// Whether the segments of all pieces are as many, and hold as many rows and bytes, as the root says.
Status check_exchange_segments(const std::vector<ExchangeSegment>& segments, const ExchangePartition& partition);

}  // namespace millpond
