#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "duckdb/common/file_system.hpp"
#include "storage/file_system.h"

namespace millpond {

/// A file of ours that DuckDB has open, for reading or for writing. Positioned reads are thread-safe.
/// Errors are thrown by throw_status.
class BridgedFile final : public duckdb::FileHandle {
 public:
  BridgedFile(duckdb::FileSystem& system, const std::string& path, duckdb::FileOpenFlags flags,
              std::unique_ptr<ReadableFile> source, FileInfo info);
  BridgedFile(duckdb::FileSystem& system, const std::string& path, duckdb::FileOpenFlags flags,
              std::unique_ptr<WritableFile> target, std::int64_t size);
  /// Without Close() what was written stays as it is.
  ~BridgedFile() override = default;

  /// Throws when the store tells only now that something was not written.
  void Close() override;
  /// Closes without a word.
  void abandon();

  /// Bytes read: less than asked only at the end.
  std::int64_t read_at(void* out, std::int64_t num_bytes, std::int64_t offset);
  std::int64_t read_on(void* out, std::int64_t num_bytes);
  void write_at(const void* data, std::int64_t num_bytes, std::int64_t offset);
  void write_on(const void* data, std::int64_t num_bytes);
  void sync();

  void seek(std::int64_t position) { position_ = position; }
  std::int64_t position() const { return position_; }
  /// Size and time when it was opened; the size grows by what is written.
  const FileInfo& info() const { return info_; }

 private:
  std::unique_ptr<ReadableFile> source_;
  std::unique_ptr<WritableFile> target_;
  FileInfo info_;
  std::int64_t position_ = 0;
};

}  // namespace millpond
