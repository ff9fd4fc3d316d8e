#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace millpond {

/// Remembers what programs wrote and renamed on this machine's disk without syncing it, and can undo it as a power cut
/// may. Removals count as durable at once. Thread-safe.
class UnsyncedChanges {
 public:
  /// Call after a file came into being, was opened with so many durable bytes, was synced; after a folder was synced.
  void created(const std::string& path);
  void opened(const std::string& path, std::int64_t size);
  void synced_file(const std::string& path);
  void synced_directory(const std::string& path);
  /// Call before a rename over `to`: the content of the file that is there.
  static std::optional<std::string> keep(const std::string& to);
  /// Call after a rename; `kept` is from keep().
  void renamed(const std::string& from, const std::string& to, std::optional<std::string> kept);
  void exchanged(const std::string& a, const std::string& b);
  void removed(const std::string& path);

  /// Undoes it all, last change first.
  void undo();

 private:
  struct Change {
    enum class Kind { kCreate, kRename, kExchange };
    Kind kind;
    std::string from;
    std::string to;                   ///< The new name; of an exchange the second.
    std::optional<std::string> kept;  ///< What the file held that was replaced.
  };
  void moved(const std::string& from, const std::string& to);

  std::mutex mutex_;
  std::vector<Change> changes_;
  std::map<std::string, std::int64_t> synced_sizes_;  ///< Of the files that may have been written to.
};

}  // namespace millpond
