#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "millpond/result.h"

namespace millpond {

/// An object of a store, or what looks like a folder: a prefix that others begin with.
struct ObjectInfo {
  std::string path;           ///< Whole, with its scheme: "s3://bucket/key".
  std::int64_t size = 0;      ///< Bytes; 0 for a folder.
  std::int64_t mtime_ns = 0;  ///< Nanoseconds since the epoch; 0 where the store tells none.
  bool is_directory = false;
};

/// An object open for reading. Thread-safe.
class ReadableObject {
 public:
  virtual ~ReadableObject() = default;
  /// Fills `out` from `offset`; returns how many bytes there were before the end. Short only at the end.
  virtual Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) = 0;
  /// Bytes.
  virtual std::int64_t size() const = 0;
};

/// The stores beyond this machine's disks, by whole paths such as "s3://bucket/key". Paths are literal: nothing expands
/// patterns or decodes percent signs. Thread-safe. Errors name the path and never a key or password: kNotFound,
/// kPermissionDenied, kUnavailable (worth another try), kInvalidArgument, kUnsupported for a store that is not known.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// An object, or a folder where objects begin with the path and a slash. kNotFound when there is neither.
  virtual Result<ObjectInfo> stat(const std::string& path) = 0;
  /// What lies directly in a folder or bucket, sorted by path. kNotFound when nothing does.
  virtual Result<std::vector<ObjectInfo>> list(const std::string& path) = 0;
  virtual Result<std::unique_ptr<ReadableObject>> open(const std::string& path) = 0;

  /// All that a store in another process needs to be like this one, keys included: it goes to workers over their sockets
  /// and is never written down.
  virtual std::string settings() = 0;
  /// Takes on the settings of another. Before anything else is called.
  virtual Status configure(const std::string& settings) = 0;
};

}  // namespace millpond
