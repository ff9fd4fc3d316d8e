#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "millpond/result.h"
#include "storage/file_system.h"
#include "storage/journal_bytes.h"

namespace millpond {

/// JSON records in the order in which they were appended, each with its length and checksum. An append that was cut off by a
/// kill or a full disk is dropped at the next open; damage before the end is an error, since a record that follows was
/// acknowledged. Thread-safe. One process at a time may have a journal open for appending: see Lease and StoreLease.
class Journal {
 public:
  /// A journal that is open for appending, and what it held.
  struct Opened;

  virtual ~Journal() = default;

  /// Opens `path`, or makes it with `header` when it is not there (in one step: never without its header). The header
  /// of one that exists is returned for the caller to compare. A torn end is cut off by writing the journal anew.
  /// On a store `path` is a folder of objects, see store_journal.h; who opens it there takes it away from who had it open.
  /// kDataCorrupt for damage before the end or a file that is no journal; kUnsupported for another format version.
  static Result<Opened> open(std::shared_ptr<FileSystem> files, const std::string& path, const Json& header);

  /// Adds a record. On a disk in one write: it survives a kill of this process at once, and a power cut after sync(). On a store
  /// it is sent soon after: it survives all after sync(). After a failure the end is unknown: that error is returned for all
  /// further appends, until opened again.
  virtual Status append(const Json& record) = 0;

  /// Makes all records so far survive a power cut. An error is final, as for append. On a store also kConflict when another
  /// process has opened the journal since.
  virtual Status sync() = 0;
};

struct Journal::Opened {
  std::unique_ptr<Journal> journal;
  JournalContent content;
};

/// Reads a journal's file without changing it. kNotFound when it is not there; other errors as Journal::open.
Result<JournalContent> read_journal(FileSystem& files, const std::string& path);

/// kUnsupported when a record is too large for the journal at `path`.
Status check_journal_payload(const std::string& payload, const std::string& path);

}  // namespace millpond
