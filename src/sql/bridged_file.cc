#include "sql/bridged_file.h"

#include <algorithm>
#include <span>
#include <utility>

#include "sql/status_exception.h"

namespace millpond {

BridgedFile::BridgedFile(duckdb::FileSystem& system, const std::string& path, duckdb::FileOpenFlags flags,
                         std::unique_ptr<ReadableFile> source, FileInfo info)
    : FileHandle(system, path, std::move(flags)), source_(std::move(source)), info_(std::move(info)) {}

BridgedFile::BridgedFile(duckdb::FileSystem& system, const std::string& path, duckdb::FileOpenFlags flags,
                         std::unique_ptr<WritableFile> target, std::int64_t size)
    : FileHandle(system, path, std::move(flags)), target_(std::move(target)) {
  info_.path = path;
  info_.size = size;
  position_ = size;
}

void BridgedFile::Close() {
  source_.reset();
  if (target_ == nullptr) return;
  const std::unique_ptr<WritableFile> target = std::move(target_);
  throw_if_error(target->close());
}

void BridgedFile::abandon() {
  source_.reset();
  target_.reset();
}

std::int64_t BridgedFile::read_at(void* out, std::int64_t num_bytes, std::int64_t offset) {
  if (source_ == nullptr) throw_status(Status::internal("\"" + path + "\" is not open for reading"));
  const std::span<std::byte> bytes(static_cast<std::byte*>(out), static_cast<std::size_t>(num_bytes));
  return static_cast<std::int64_t>(value_or_throw(source_->read_at(offset, bytes)));
}

std::int64_t BridgedFile::read_on(void* out, std::int64_t num_bytes) {
  const std::int64_t got = read_at(out, num_bytes, position_);
  position_ += got;
  return got;
}

void BridgedFile::write_at(const void* data, std::int64_t num_bytes, std::int64_t offset) {
  if (target_ == nullptr) throw_status(Status::internal("\"" + path + "\" is not open for writing"));
  throw_if_error(target_->write_at(offset, {static_cast<const std::byte*>(data), static_cast<std::size_t>(num_bytes)}));
  info_.size = std::max(info_.size, offset + num_bytes);
}

void BridgedFile::write_on(const void* data, std::int64_t num_bytes) {
  write_at(data, num_bytes, position_);
  position_ += num_bytes;
}

void BridgedFile::sync() {
  if (target_ != nullptr) throw_if_error(target_->sync());
}

}  // namespace millpond
