#include "exchange/writer.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace millpond {
namespace {

// So much of the index is kept until it is written: a reader needs one read more for each time, and memory must not grow
// with the rows. A piece should be worth a read also where there are many partitions.
constexpr std::size_t kListsBytes = 1 << 20;
constexpr std::size_t kBytesPerList = 2 << 10;
// It is written in parts of about this size: few calls, little memory.
constexpr std::size_t kIndexPart = 256 << 10;

std::span<const std::byte> as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

ExchangeWriter::ExchangeWriter(std::string path, std::unique_ptr<WritableFile> file,
                               std::vector<ExchangeColumn> columns, std::int64_t partitions, bool in_order)
    : path_(std::move(path)), file_(std::move(file)), in_order_(in_order), end_(kExchangeHeaderSize) {
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
  const bool in_order = files.store_of(path) != nullptr;
  return std::unique_ptr<ExchangeWriter>(
      new ExchangeWriter(path, std::move(file), std::move(columns), partitions, in_order));
}

Result<std::uint64_t> ExchangeWriter::write(std::span<const std::byte> buffer) {
  std::unique_lock order(order_, std::defer_lock);
  if (in_order_) order.lock();
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
    ExchangePartition& partition = root_.partitions[part.partition];
    std::string& list = lists_[part.partition];
    const std::size_t before = list.size();
    if (list.empty()) encode_exchange_link(partition.list, list);
    encode_exchange_segment(segment, list);
    lists_size_ += list.size() - before;
    const std::uint64_t length = segment.length();
    partition.rows += part.rows;
    partition.bytes += length;
    partition.segments += 1;
    segment.offset += length;
  }
  if (lists_size_ < std::max(kListsBytes, lists_.size() * kBytesPerList)) return Status::ok();
  return write_lists();
}

Status ExchangeWriter::write_lists() {
  std::unique_lock order(order_, std::defer_lock);
  if (in_order_) order.lock();
  std::uint64_t offset = end_.fetch_add(lists_size_);
  std::uint64_t part_offset = offset;
  std::string bytes;
  bytes.reserve(std::min(lists_size_, kIndexPart));
  const auto flush = [&]() -> Status {
    Status written =
        bytes.empty() ? Status::ok() : file_->write_at(static_cast<std::int64_t>(part_offset), as_bytes(bytes));
    part_offset = offset;
    bytes.clear();
    return written;
  };
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    std::string& list = lists_[i];
    if (list.empty()) continue;
    root_.partitions[i].list = {offset, list.size(), xxh3_64(list)};
    bytes += list;
    offset += list.size();
    list.clear();
    if (bytes.size() >= kIndexPart) MILLPOND_RETURN_IF_ERROR(flush());
  }
  lists_size_ = 0;
  return flush();
}

Status ExchangeWriter::write_root(ExchangeTotals& totals) {
  const std::uint64_t offset = end_.load();
  std::string bytes = encode_exchange_root(root_);
  ExchangeFooter footer;
  footer.root_offset = offset;
  footer.root_length = bytes.size();
  footer.root_digest = xxh3_128_hex(bytes);
  bytes += encode_exchange_footer(footer);
  totals.digest = footer.root_digest;
  totals.file_size = offset + bytes.size();
  return file_->write_at(static_cast<std::int64_t>(offset), as_bytes(bytes));
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
  MILLPOND_RETURN_IF_ERROR(write_lists());
  MILLPOND_RETURN_IF_ERROR(write_root(totals));
  if (sync) MILLPOND_RETURN_IF_ERROR(file_->sync());
  MILLPOND_RETURN_IF_ERROR(file_->close());
  return totals;
}

}  // namespace millpond
