#include "exchange/reader.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/hash.h"

namespace millpond {
namespace {

constexpr std::uint64_t kTailBytes = 32 << 10;

std::span<std::byte> as_writable(std::string& text) { return std::as_writable_bytes(std::span(text)); }

Status name_file(const Status& status, const std::string& path) {
  ErrorContext context;
  context.file = path;
  return status.with_context(context);
}

}  // namespace

Status ExchangeFile::damaged(const std::string& what) const {
  return name_file(Status::data_corrupt("the exchange file " + path_ + " is damaged: " + what,
                                        "the task that wrote it has to run again"),
                   path_);
}

Status ExchangeFile::read_fully(ReadableFile& file, std::uint64_t offset, std::span<std::byte> out) const {
  if (!tail_.empty() && offset >= tail_offset_ && out.size() <= tail_.size() && offset - tail_offset_ <= tail_.size() - out.size()) {
    std::memcpy(out.data(), tail_.data() + (offset - tail_offset_), out.size());
    return Status::ok();
  }
  MILLPOND_ASSIGN_OR_RETURN(const std::size_t size, file.read_at(static_cast<std::int64_t>(offset), out));
  if (size != out.size()) return damaged("it ends too early");
  return Status::ok();
}

Status ExchangeFile::keep_tail(std::shared_ptr<ReadableFile> file, std::uint64_t size) {
  const std::uint64_t length = std::min(size, kTailBytes);
  std::string tail(length, '\0');
  MILLPOND_RETURN_IF_ERROR(read_fully(*file, size - length, as_writable(tail)));
  tail_ = std::move(tail);
  tail_offset_ = size - length;
  stored_ = std::move(file);
  return Status::ok();
}

Result<std::shared_ptr<ReadableFile>> ExchangeFile::open_data(FileSystem& files) const {
  if (stored_ != nullptr) return stored_;
  MILLPOND_ASSIGN_OR_RETURN(std::shared_ptr<ReadableFile> file, files.open(path_));
  return file;
}

Result<std::shared_ptr<const ExchangeFile>> ExchangeFile::open(FileSystem& files, const std::string& path,
                                                               const std::string& expected_digest) {
  auto self = std::make_shared<ExchangeFile>();
  self->path_ = path;
  MILLPOND_ASSIGN_OR_RETURN(const std::shared_ptr<ReadableFile> file, files.open(path));
  MILLPOND_ASSIGN_OR_RETURN(const FileInfo info, file->info());
  const auto size = static_cast<std::uint64_t>(info.size);
  if (size < kExchangeHeaderSize + kExchangeFooterSize) return self->damaged("it is too short to be one");
  if (files.store_of(path) != nullptr) MILLPOND_RETURN_IF_ERROR(self->keep_tail(file, size));
  std::string header(kExchangeHeaderSize, '\0');
  MILLPOND_RETURN_IF_ERROR(self->read_fully(*file, 0, as_writable(header)));
  if (Status status = check_exchange_header(header); !status.is_ok()) return name_file(status, path);
  std::string tail(kExchangeFooterSize, '\0');
  MILLPOND_RETURN_IF_ERROR(self->read_fully(*file, size - kExchangeFooterSize, as_writable(tail)));
  auto footer = decode_exchange_footer(tail, size);
  if (!footer.is_ok()) return name_file(footer.status(), path);
  if (!expected_digest.empty() && footer->root_digest != expected_digest) {
    return self->damaged("its digest is " + footer->root_digest + ", but " + expected_digest + " was recorded");
  }
  // The footer has shown that the root lies within the file, so its length is no larger than what is there.
  std::string root(footer->root_length, '\0');
  MILLPOND_RETURN_IF_ERROR(self->read_fully(*file, footer->root_offset, as_writable(root)));
  if (xxh3_128_hex(root) != footer->root_digest) return self->damaged("its index has a wrong checksum");
  auto decoded = decode_exchange_root(root, footer->root_offset);
  if (!decoded.is_ok()) return name_file(decoded.status(), path);
  self->root_ = std::move(decoded).value();
  self->digest_ = footer->root_digest;
  self->root_offset_ = footer->root_offset;
  return std::shared_ptr<const ExchangeFile>(std::move(self));
}

Result<ExchangePartition> ExchangeFile::partition(std::int64_t partition) const {
  if (partition < 0 || partition >= num_partitions()) {
    return name_file(
        Status::invalid_argument("the exchange file " + path_ + " has no partition " + std::to_string(partition) +
                                 "; it has " + std::to_string(num_partitions())),
        path_);
  }
  return root_.partitions[static_cast<std::size_t>(partition)];
}

Result<std::vector<ExchangeSegment>> ExchangeFile::segments(ReadableFile& file, std::int64_t partition) const {
  MILLPOND_ASSIGN_OR_RETURN(const ExchangePartition entry, this->partition(partition));
  std::vector<ExchangeListPiece> pieces;  // The last one first.
  ExchangeListPlace place = entry.list;
  while (place.length > 0) {
    std::string bytes(place.length, '\0');
    MILLPOND_RETURN_IF_ERROR(read_fully(file, place.offset, as_writable(bytes)));
    auto piece = decode_exchange_piece(bytes, place, root_.columns.size(), root_offset_);
    if (!piece.is_ok()) return name_file(piece.status(), path_);
    place = piece->previous;
    pieces.push_back(std::move(piece).value());
  }
  std::vector<ExchangeSegment> segments;
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    std::ranges::move(piece->segments, std::back_inserter(segments));
  }
  if (Status status = check_exchange_segments(segments, entry); !status.is_ok()) return name_file(status, path_);
  return segments;
}

Result<ExchangeChunks> ExchangeFile::read(ReadableFile& file, const ExchangeSegment& segment,
                                          std::span<const std::size_t> columns) const {
  std::uint64_t total = 0;
  for (const std::size_t column : columns) total += segment.chunks[column].length;
  // Uninitialized on purpose: every byte is read over.
  std::shared_ptr<std::byte[]> buffer(new std::byte[total > 0 ? total : 1]);
  ExchangeChunks result;
  result.owner_ = buffer;
  std::uint64_t used = 0;        // Bytes of the buffer that are filled.
  std::uint64_t run_begin = 0;   // The run of neighbouring chunks that waits to be read: its place in the file,
  std::uint64_t run_length = 0;  // and its length.
  std::uint64_t at = segment.offset;
  std::size_t next = 0;
  for (const std::size_t column : columns) {
    for (; next < column; ++next) at += segment.chunks[next].length;
    if (run_length > 0 && run_begin + run_length != at) {
      MILLPOND_RETURN_IF_ERROR(read_fully(file, run_begin, std::span(buffer.get() + used, run_length)));
      used += run_length;
      run_length = 0;
    }
    if (run_length == 0) run_begin = at;
    run_length += segment.chunks[column].length;
  }
  if (run_length > 0) {
    MILLPOND_RETURN_IF_ERROR(read_fully(file, run_begin, std::span(buffer.get() + used, run_length)));
  }
  const char* bytes = reinterpret_cast<const char*>(buffer.get());
  for (const std::size_t column : columns) {
    const ExchangeChunk& chunk = segment.chunks[column];
    result.chunks_.emplace_back(bytes, chunk.length);
    bytes += chunk.length;
    if (xxh3_64(result.chunks_.back()) != chunk.checksum) {
      return damaged("column " + root_.columns[column].name + " at byte " + std::to_string(segment.offset) +
                     " has a wrong checksum");
    }
  }
  return result;
}

}  // namespace millpond
