#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/layout.h"
#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// The wanted chunks of one segment, in memory and verified.
class ExchangeChunks {
 public:
  /// The bytes of the `i`th wanted column, alive as long as this object or owner().
  std::string_view chunk(std::size_t i) const { return chunks_[i]; }
  /// Keeps the bytes alive beyond this object.
  const std::shared_ptr<const std::byte[]>& owner() const { return owner_; }

 private:
  friend class ExchangeFile;
  std::shared_ptr<const std::byte[]> owner_;
  std::vector<std::string_view> chunks_;
};

/// The verified index of one exchange file. Holds no open file, so thousands may be kept; of one on a store it holds the end, 32 KB,
/// which takes one request where there would be several, and its handle, which is no open file. Immutable, thread-safe.
/// Every error names the path; damage of any kind is kDataCorrupt.
class ExchangeFile {
 public:
  /// Reads and verifies header, footer and the index's root: three reads. With `expected_digest` the file must be the
  /// very one that has it.
  static Result<std::shared_ptr<const ExchangeFile>> open(FileSystem& files, const std::string& path,
                                                          const std::string& expected_digest = {});

  const std::string& path() const { return path_; }
  const std::string& digest() const { return digest_; }
  const std::vector<ExchangeColumn>& columns() const { return root_.columns; }
  std::int64_t num_partitions() const { return static_cast<std::int64_t>(root_.partitions.size()); }
  /// About how much memory this object takes.
  std::size_t memory_bytes() const { return 512 + tail_.size() + root_.partitions.size() * sizeof(ExchangePartition); }
  /// Whether each read is a request to a store.
  bool is_on_store() const { return stored_ != nullptr; }
  /// The file, for segments() and read().
  Result<std::shared_ptr<ReadableFile>> open_data(FileSystem& files) const;
  /// kInvalidArgument when the file has no such partition.
  Result<ExchangePartition> partition(std::int64_t partition) const;

  /// The segments of one partition in row order: one read for each piece of its list.
  Result<std::vector<ExchangeSegment>> segments(ReadableFile& file, std::int64_t partition) const;

  /// Reads the chunks of `columns` (positions, ascending) of a segment, neighbours in one read, and verifies them.
  Result<ExchangeChunks> read(ReadableFile& file, const ExchangeSegment& segment,
                              std::span<const std::size_t> columns) const;

 private:
  Status damaged(const std::string& what) const;
  Status read_fully(ReadableFile& file, std::uint64_t offset, std::span<std::byte> out) const;

  Status keep_tail(std::shared_ptr<ReadableFile> file, std::uint64_t size);

  std::string path_;
  std::string digest_;
  std::shared_ptr<ReadableFile> stored_;  // On a store only.
  std::string tail_;
  std::uint64_t tail_offset_ = 0;
  ExchangeRoot root_;
  std::uint64_t root_offset_ = 0;
};

}  // namespace millpond
