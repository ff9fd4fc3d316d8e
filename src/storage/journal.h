#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/json.h"
#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// Bumped whenever an older reader could misread a journal; docs/journal-format.md describes the bytes.
inline constexpr std::uint32_t kJournalVersion = 1;

/// What a journal holds.
struct JournalContent {
  Json header;                ///< As given when the journal was made.
  std::vector<Json> records;  ///< In the order they were appended.
  bool is_torn = false;       ///< The last append was cut off; what is left of it was dropped.
};

/// An append-only file of JSON records, each with its length and checksum. An append that was cut off by a kill or a
/// full disk is dropped at the next open; damage before the end is an error, since a record that follows was
/// acknowledged. Thread-safe. One process at a time may have a journal open for appending: see Lease.
class Journal {
 public:
  /// A journal that is open for appending, and what it held.
  struct Opened;

  /// Opens `path`, or makes it with `header` when it is not there (in one step: never without its header). The header
  /// of one that exists is returned for the caller to compare. A torn end is cut off by writing the journal anew.
  /// kDataCorrupt for damage before the end or a file that is no journal; kUnsupported for another format version.
  static Result<Opened> open(std::shared_ptr<FileSystem> files, const std::string& path, const Json& header);

  /// Adds a record in one write; it survives a kill of this process at once, and a power cut after sync(). After a
  /// failure the end of the file is unknown: that error is returned for all further appends, until opened again.
  Status append(const Json& record);

  /// Makes all records so far survive a power cut. An error is final, as for append.
  Status sync();

 private:
  Journal(std::string path, std::unique_ptr<WritableFile> file) : path_(std::move(path)), file_(std::move(file)) {}

  const std::string path_;
  std::mutex mutex_;
  std::unique_ptr<WritableFile> file_;
  Status broken_;
};

struct Journal::Opened {
  std::unique_ptr<Journal> journal;
  JournalContent content;
};

/// Reads a journal without changing it. kNotFound when it is not there; other errors as Journal::open.
Result<JournalContent> read_journal(FileSystem& files, const std::string& path);

}  // namespace millpond
