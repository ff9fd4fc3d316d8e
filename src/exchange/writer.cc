#include "exchange/writer.h"

#include <utility>

#include "base/hash.h"

namespace millpond {
namespace {

// Index parts are written in pieces of about this size: few calls, little memory.
constexpr std::size_t kIndexPiece = 4 << 20;

std::span<const std::byte> as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

ExchangeWriter::ExchangeWriter(std::string path, std::unique_ptr<WritableFile> file,
                               std::vector<ExchangeColumn> columns, std::int64_t partitions)
    : path_(std::move(path)), file_(std::move(file)), end_(kExchangeHeaderSize) {
  root_.columns = std::move(columns);
  root_.partitions.resize(static_cast<std::size_t>(partitions));
  lists_.resize(static_cast<std::size_t>(partitions));
}

Result<std::unique_ptr<ExchangeWriter>> ExchangeWriter::create(FileSystem& files, const std::string& path,
                                                               std::vector<ExchangeColumn> columns,
                                                               std::int64_t partitions) {
  if (partitions < 1 || partitions > kMaxExchangePartitions) {
    return Status::invalid_argument("an exchange file can't have " + std::to_string(partitions) + " partitions",
                                    "give a number from 1 to " + std::to_string(kMaxExchangePartitions));
  }
  MILLPOND_ASSIGN_OR_RETURN(auto file, files.create(path));
  MILLPOND_RETURN_IF_ERROR(file->write_at(0, as_bytes(encode_exchange_header())));
  return std::unique_ptr<ExchangeWriter>(new ExchangeWriter(path, std::move(file), std::move(columns), partitions));
}

Result<std::uint64_t> ExchangeWriter::write(std::span<const std::byte> buffer) {
  const std::uint64_t offset = end_.fetch_add(buffer.size());
  if (!buffer.empty()) {
    MILLPOND_RETURN_IF_ERROR(file_->write_at(static_cast<std::int64_t>(offset), buffer));
  }
  return offset;
}

Status ExchangeWriter::append(const ExchangeBatch& batch) {
  const std::size_t columns = root_.columns.size();
  if (batch.chunks.size() != batch.parts.size() * columns) {
    return Status::internal("an exchange batch has " + std::to_string(batch.chunks.size()) + " chunks for " +
                            std::to_string(batch.parts.size()) + " segments");
  }
  std::lock_guard lock(mutex_);
  ExchangeSegment segment;
  segment.offset = batch.offset;
  for (std::size_t i = 0; i < batch.parts.size(); ++i) {
    const ExchangeBatch::Part& part = batch.parts[i];
    if (part.partition >= lists_.size())
      return Status::internal("an exchange batch names a partition that is not there");
    segment.rows = part.rows;
    segment.chunks.assign(batch.chunks.begin() + static_cast<std::ptrdiff_t>(i * columns),
                          batch.chunks.begin() + static_cast<std::ptrdiff_t>((i + 1) * columns));
    encode_exchange_segment(segment, lists_[part.partition]);
    const std::uint64_t length = segment.length();
    ExchangePartition& partition = root_.partitions[part.partition];
    partition.rows += part.rows;
    partition.bytes += length;
    partition.segments += 1;
    segment.offset += length;
  }
  return Status::ok();
}

Status ExchangeWriter::write_index(ExchangeTotals& totals) {
  std::string piece;
  std::uint64_t offset = end_.load();
  std::uint64_t piece_offset = offset;
  const auto flush = [&]() -> Status {
    Status written =
        piece.empty() ? Status::ok() : file_->write_at(static_cast<std::int64_t>(piece_offset), as_bytes(piece));
    piece_offset = offset;
    piece.clear();
    return written;
  };
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    ExchangePartition& partition = root_.partitions[i];
    partition.list_offset = offset;
    partition.list_length = lists_[i].size();
    partition.list_checksum = xxh3_64(lists_[i]);
    piece += lists_[i];
    offset += lists_[i].size();
    std::string().swap(lists_[i]);
    if (piece.size() >= kIndexPiece) MILLPOND_RETURN_IF_ERROR(flush());
  }
  const std::string root = encode_exchange_root(root_);
  ExchangeFooter footer;
  footer.root_offset = offset;
  footer.root_length = root.size();
  footer.root_digest = xxh3_128_hex(root);
  piece += root;
  piece += encode_exchange_footer(footer);
  offset += root.size() + kExchangeFooterSize;
  totals.digest = footer.root_digest;
  totals.file_size = offset;
  return flush();
}

Result<ExchangeTotals> ExchangeWriter::finish(std::uint64_t rows, bool sync) {
  std::lock_guard lock(mutex_);
  ExchangeTotals totals;
  for (const ExchangePartition& partition : root_.partitions) {
    totals.partitions.push_back({partition.rows, partition.bytes});
    totals.rows += partition.rows;
  }
  if (totals.rows != rows) {
    return Status::internal("an exchange got " + std::to_string(rows) + " rows, but its index holds " +
                            std::to_string(totals.rows) + "; nothing was published (" + path_ + ")");
  }
  MILLPOND_RETURN_IF_ERROR(write_index(totals));
  if (sync) MILLPOND_RETURN_IF_ERROR(file_->sync());
  MILLPOND_RETURN_IF_ERROR(file_->close());
  return totals;
}

}  // namespace millpond
