#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// The last 64 KiB of files on stores, as they were read lately: where Parquet has its footers, which planning and each task
/// read for themselves, in several steps. Held by content, so only of files with a tag; and of no smaller files, so that whoever
/// reads rows asks the store, which tells when they are others by then. 64 MiB in all. Thread-safe.
class FileTails {
 public:
  using Tail = std::shared_ptr<const std::vector<std::byte>>;

  static constexpr std::int64_t kTailBytes = std::int64_t{64} << 10;
  static constexpr std::size_t kMostTails = 1024;

  static bool may_hold(const FileInfo& known) { return !known.tag.empty() && known.size > kTailBytes; }

  /// Null when it is not known.
  Tail find(const std::string& key);
  void keep(const std::string& key, Tail tail);

 private:
  struct Kept {
    std::string key;
    Tail tail;
  };
  std::mutex mutex_;
  std::list<Kept> kept_;  ///< The one asked for last first.
  std::unordered_map<std::string, std::list<Kept>::iterator> places_;
};

/// The same file; what is read near its end comes from `tails`, and goes there. They may hold it.
std::unique_ptr<ReadableFile> with_known_tail(std::unique_ptr<ReadableFile> file, const FileInfo& known,
                                              std::shared_ptr<FileTails> tails);

}  // namespace millpond
