#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "exchange/layout.h"
#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// A batch of rows that was dealt to partitions and encoded into one buffer: segments of ascending partition, each the
/// chunks of all columns one after the other.
struct ExchangeBatch {
  struct Part {
    std::uint32_t partition = 0;
    std::uint32_t rows = 0;
  };
  std::vector<Part> parts;            ///< Partitions that have rows in this batch.
  std::vector<ExchangeChunk> chunks;  ///< parts.size() × columns, in the order of the bytes.
  std::uint64_t offset = 0;           ///< Where ExchangeWriter::write put the buffer.
};

/// Per partition, what a finished file holds.
struct ExchangeTotals {
  struct Partition {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
  };
  std::vector<Partition> partitions;  ///< One an entry for each partition, empty ones too.
  std::uint64_t rows = 0;
  std::uint64_t file_size = 0;
  std::string digest;  ///< XXH3-128 of the index's root in hex; covers every byte of the file.
};

/// Writes one exchange file. Batches may be written by several threads at once and in any order; append() fixes the
/// order of rows. Memory: a megabyte of the index, with many partitions two kilobytes of it for each; what is beyond is
/// written out between batches.
/// write() is thread-safe; append() too, but the order of its calls is the order of rows. The file is left unfinished,
/// and can't be read, when finish() was not called or failed; removing it is the caller's part.
class ExchangeWriter {
 public:
  /// Creates the file. kAlreadyExists when it is there, kInvalidArgument when `partitions` is not in 1 … 2^24.
  static Result<std::unique_ptr<ExchangeWriter>> create(FileSystem& files, const std::string& path,
                                                        std::vector<ExchangeColumn> columns, std::int64_t partitions);

  /// Writes a batch's buffer at a place of its own and returns that place.
  Result<std::uint64_t> write(std::span<const std::byte> buffer);

  /// Adds a written batch's rows after all rows added so far. kInternal when its parts and chunks do not match.
  Status append(const ExchangeBatch& batch);

  /// Writes index and footer, with `sync` makes the file survive a power cut, and closes it. `rows` is how many the
  /// caller handed in: kInternal when the index has another number, so that no row is ever lost silently.
  Result<ExchangeTotals> finish(std::uint64_t rows, bool sync = true);

  const std::string& path() const { return path_; }

 private:
  ExchangeWriter(std::string path, std::unique_ptr<WritableFile> file, std::vector<ExchangeColumn> columns,
                 std::int64_t partitions, bool in_order);
  Status write_lists();
  Status write_root(ExchangeTotals& totals);

  std::string path_;
  std::unique_ptr<WritableFile> file_;
  const bool in_order_;  // A store takes bytes from the beginning to the end only.
  std::mutex order_;     // Held while such bytes are sent.
  std::atomic<std::uint64_t> end_;
  std::mutex mutex_;  // Guards what follows.
  ExchangeRoot root_;
  std::vector<std::string> lists_;  // Of each partition, the encoded piece of its segment list that is not written yet.
  std::size_t lists_size_ = 0;      // Bytes in all of them.
};

}  // namespace millpond
