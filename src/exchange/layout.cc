#include "exchange/layout.h"

#include <algorithm>

#include "base/hash.h"
#include "exchange/bytes.h"

namespace millpond {
namespace {

// Bytes of one partition's entry in the root: six 64-bit numbers.
constexpr std::size_t kPartitionEntrySize = 48;

Status damaged(const char* what) { return Status::data_corrupt(std::string("the exchange file is damaged: ") + what); }

std::string_view magic(const char* text) { return {text, kExchangeMagicSize}; }

// Whether [offset, offset + length) lies within [0, end), without overflow.
bool within(std::uint64_t offset, std::uint64_t length, std::uint64_t end) {
  return offset <= end && length <= end - offset;
}

}  // namespace

std::uint64_t ExchangeSegment::length() const {
  std::uint64_t sum = 0;
  for (const ExchangeChunk& chunk : chunks) sum += chunk.length;
  return sum;
}

std::string encode_exchange_header() {
  ByteWriter out;
  out.raw(magic(kExchangeMagic));
  out.u32(kExchangeFormatVersion);
  out.u32(0);
  return out.take();
}

Status check_exchange_header(std::string_view bytes) {
  if (bytes.size() < kExchangeHeaderSize || bytes.substr(0, kExchangeMagicSize) != magic(kExchangeMagic)) {
    return Status::data_corrupt("this is no exchange file: its first bytes are not those of one");
  }
  ByteReader in(bytes.substr(kExchangeMagicSize));
  const std::uint32_t version = in.u32();
  if (version != kExchangeFormatVersion) {
    return Status::unsupported("the exchange file has format version " + std::to_string(version) +
                                   ", this program reads version " + std::to_string(kExchangeFormatVersion),
                               "use the same millpond version on every worker, and run the job again");
  }
  if (in.u32() != 0) return damaged("its header has unknown flags");
  return Status::ok();
}

std::string encode_exchange_footer(const ExchangeFooter& footer) {
  ByteWriter out;
  out.raw(footer.root_digest);
  out.u64(footer.root_offset);
  out.u64(footer.root_length);
  out.u64(xxh3_64(out.bytes()));
  out.raw(magic(kExchangeEndMagic));
  return out.take();
}

Result<ExchangeFooter> decode_exchange_footer(std::string_view bytes, std::uint64_t file_size) {
  if (bytes.size() != kExchangeFooterSize || file_size < kExchangeHeaderSize + kExchangeFooterSize) {
    return damaged("it is too short; the writer did not finish it or its end was cut off");
  }
  if (bytes.substr(kExchangeFooterSize - kExchangeMagicSize) != magic(kExchangeEndMagic)) {
    return damaged("its end is not that of an exchange file; the writer did not finish it or its end was cut off");
  }
  ExchangeFooter footer;
  footer.root_digest = bytes.substr(0, 32);
  ByteReader in(bytes.substr(32));
  footer.root_offset = in.u64();
  footer.root_length = in.u64();
  if (in.u64() != xxh3_64(bytes.substr(0, 48))) return damaged("its footer has a wrong checksum");
  const std::uint64_t index_end = file_size - kExchangeFooterSize;
  if (footer.root_offset < kExchangeHeaderSize || footer.root_offset > index_end ||
      footer.root_length != index_end - footer.root_offset) {
    return damaged("its footer points outside of it; a part of it is missing or was added");
  }
  return footer;
}

std::string encode_exchange_root(const ExchangeRoot& root) {
  ByteWriter out;
  out.varint(root.columns.size());
  for (const ExchangeColumn& column : root.columns) {
    out.text(column.name);
    out.text(column.type);
    out.text(column.type_blob);
  }
  out.varint(root.partitions.size());
  for (const ExchangePartition& partition : root.partitions) {
    out.u64(partition.rows);
    out.u64(partition.bytes);
    out.u64(partition.segments);
    out.u64(partition.list.offset);
    out.u64(partition.list.length);
    out.u64(partition.list.checksum);
  }
  return out.take();
}

Result<ExchangeRoot> decode_exchange_root(std::string_view bytes, std::uint64_t root_offset) {
  ExchangeRoot root;
  ByteReader in(bytes);
  const std::uint64_t columns = in.varint();
  // A column takes three bytes at least, so a hostile count is found before anything is reserved for it.
  if (!in.ok() || columns > in.remaining() / 3) return damaged("its index has a wrong number of columns");
  root.columns.reserve(columns);
  for (std::uint64_t i = 0; i < columns && in.ok(); ++i) {
    ExchangeColumn column;
    column.name = in.text();
    column.type = in.text();
    column.type_blob = in.text();
    root.columns.push_back(std::move(column));
  }
  const std::uint64_t partitions = in.varint();
  if (!in.ok() || partitions != in.remaining() / kPartitionEntrySize || in.remaining() % kPartitionEntrySize != 0) {
    return damaged("its index has a wrong number of partitions");
  }
  root.partitions.reserve(partitions);
  for (std::uint64_t i = 0; i < partitions; ++i) {
    ExchangePartition partition;
    partition.rows = in.u64();
    partition.bytes = in.u64();
    partition.segments = in.u64();
    partition.list.offset = in.u64();
    partition.list.length = in.u64();
    partition.list.checksum = in.u64();
    if (!within(partition.list.offset, partition.list.length, root_offset)) {
      return damaged("its index points outside of it");
    }
    root.partitions.push_back(partition);
  }
  if (!in.ok() || !in.at_end()) return damaged("its index can't be read");
  return root;
}

void encode_exchange_link(const ExchangeListPlace& previous, std::string& piece) {
  ByteWriter out;
  out.varint(previous.length);
  if (previous.length > 0) {
    out.varint(previous.offset);
    out.u64(previous.checksum);
  }
  piece += out.bytes();
}

void encode_exchange_segment(const ExchangeSegment& segment, std::string& piece) {
  ByteWriter out;
  out.varint(segment.offset);
  out.varint(segment.rows);
  for (const ExchangeChunk& chunk : segment.chunks) {
    out.varint(chunk.length);
    out.u64(chunk.checksum);
  }
  piece += out.bytes();
}

Result<ExchangeListPiece> decode_exchange_piece(std::string_view bytes, const ExchangeListPlace& place,
                                                std::size_t columns, std::uint64_t data_end) {
  if (xxh3_64(bytes) != place.checksum) return damaged("the index of a partition has a wrong checksum");
  ExchangeListPiece piece;
  ByteReader in(bytes);
  piece.previous.length = in.varint();
  if (piece.previous.length > 0) {
    piece.previous.offset = in.varint();
    piece.previous.checksum = in.u64();
    if (!within(piece.previous.offset, piece.previous.length, place.offset)) {
      return damaged("the index of a partition points outside of the file");
    }
  }
  while (in.ok() && !in.at_end()) {
    ExchangeSegment segment;
    segment.offset = in.varint();
    segment.rows = in.varint();
    segment.chunks.reserve(columns);
    std::uint64_t at = segment.offset;
    for (std::size_t column = 0; column < columns; ++column) {
      ExchangeChunk chunk;
      chunk.length = in.varint();
      chunk.checksum = in.u64();
      if (!in.ok() || at < kExchangeHeaderSize || !within(at, chunk.length, data_end)) {
        return damaged("a segment points outside of the file");
      }
      at += chunk.length;
      segment.chunks.push_back(chunk);
    }
    piece.segments.push_back(std::move(segment));
  }
  if (!in.ok()) return damaged("the index of a partition can't be read");
  return piece;
}

Status check_exchange_segments(const std::vector<ExchangeSegment>& segments, const ExchangePartition& partition) {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  for (const ExchangeSegment& segment : segments) {
    // The sum of hostile numbers must not come out right by an overflow.
    if (segment.rows > partition.rows - rows) return damaged("a partition's rows do not add up");
    rows += segment.rows;
    bytes += segment.length();
  }
  if (segments.size() != partition.segments || rows != partition.rows || bytes != partition.bytes) {
    return damaged("a partition's segments do not add up");
  }
  return Status::ok();
}

}  // namespace millpond
