#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "millpond/object_store.h"
#include "millpond/result.h"

namespace millpond {

struct FileInfo {
  std::string path;
  std::int64_t size = 0;      ///< Bytes; 0 for a directory.
  std::int64_t mtime_ns = 0;  ///< Nanoseconds since the epoch.
  bool is_directory = false;
  std::uint64_t file_id = 0;  ///< The same for all paths that lead to one file or folder; 0 where a store has none.
  std::string tag = {};       ///< A store's own: another for each content. Empty on a disk, and where a store tells none.

  bool operator==(const FileInfo&) const = default;
};

/// A file open for reading. read_at is thread-safe.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  /// Fills `out` from `offset`; returns how many bytes there were before the end. Short only at the end.
  virtual Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) = 0;
  /// With a tag only where read_at gives this one content, or fails.
  virtual Result<FileInfo> info() = 0;
};

/// A new file open for writing, mode 0600. write_at is thread-safe and may leave holes that are filled later.
class WritableFile {
 public:
  /// Closing without close() leaves the file as it is; errors are then lost.
  virtual ~WritableFile() = default;
  virtual Status write_at(std::int64_t offset, std::span<const std::byte> data) = 0;
  /// Makes what was written survive a power cut (the name does only after sync_directory of the parent).
  virtual Status sync() = 0;
  virtual Status close() = 0;
};

/// A store, reached by literal paths: nothing here expands patterns. Thread-safe. Every error names the path.
/// The interface is small so that a test can fail or kill at every call.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Whether a path means the same to every program of this machine, and others (DuckDB) had better open it by themselves.
  virtual bool is_local_disk(const std::string& /*path*/) const { return false; }

  /// Whether open() reads a file of this machine faster than other programs can: through the rings of 3FS. Large reads pay then.
  virtual bool is_read_by_rings(const std::string& /*path*/) const { return false; }

  /// The store that holds `path`, where nothing can be renamed or locked; null for a disk.
  virtual ObjectStore* store_of(const std::string& /*path*/) const { return nullptr; }

  /// kNotFound when nothing is there. Follows symbolic links.
  virtual Result<FileInfo> stat(const std::string& path) = 0;
  /// The entries of a directory (not recursive), sorted by name. kNotFound when it does not exist.
  virtual Result<std::vector<FileInfo>> list(const std::string& directory) = 0;
  virtual Result<std::unique_ptr<ReadableFile>> open(const std::string& path) = 0;
  /// The same for a file as it was listed. A store need not ask for it again where it has a tag: then reading fails, with
  /// kDataCorrupt, once another content is there, or none.
  virtual Result<std::unique_ptr<ReadableFile>> open_known(const FileInfo& known) { return open(known.path); }
  /// Creates a file that must not exist (O_EXCL, O_NOFOLLOW, 0600). kAlreadyExists otherwise.
  virtual Result<std::unique_ptr<WritableFile>> create(const std::string& path) = 0;
  /// Makes a directory and its missing parents; the ones it makes get `mode` less the umask. Fine when it is there
  /// already.
  virtual Status make_directories(const std::string& path, unsigned mode = 0700) = 0;
  /// Removes a file; fine when it is not there.
  virtual Status remove_file(const std::string& path) = 0;
  /// Removes a directory and all below it without following any symbolic link; fine when it is not there.
  virtual Status remove_tree(const std::string& path) = 0;
  /// Renames; kAlreadyExists when `to` is there. Atomic.
  virtual Status rename_no_replace(const std::string& from, const std::string& to) = 0;
  /// Renames a file over another. Atomic.
  virtual Status rename_replace(const std::string& from, const std::string& to) = 0;
  /// Swaps two names (files or directories). Atomic.
  virtual Status exchange(const std::string& a, const std::string& b) = 0;
  /// Makes the names in a directory survive a power cut.
  virtual Status sync_directory(const std::string& path) = 0;
  /// Gives a file or folder the mode that this user's programs give by default (0666 or 0777 less the umask): what is
  /// published to the user is as readable as if written by any other program. Stores without modes do nothing.
  virtual Status apply_default_mode(const std::string& path) = 0;
  /// Opens a file (created 0600 when missing) whose writes all go to its end, whatever the offset. For journals and
  /// logs.
  virtual Result<std::unique_ptr<WritableFile>> open_append(const std::string& path) = 0;
};

/// The disks of this machine.
std::shared_ptr<FileSystem> local_file_system();

}  // namespace millpond
