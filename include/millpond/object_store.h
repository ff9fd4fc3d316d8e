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
  std::string tag = {};       ///< The store's own: another for each content; empty for a folder, and where the store tells none.
};

/// An object open for reading. Thread-safe.
class ReadableObject {
 public:
  virtual ~ReadableObject() = default;
  /// Fills `out` from `offset`; returns how many bytes there were before the end. Short only at the end.
  virtual Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) = 0;
  /// Bytes.
  virtual std::int64_t size() const = 0;
  /// The tag of the one content that read_at gives, with kDataCorrupt once the object has another; empty where the store can't
  /// be held to one.
  virtual std::string tag() const { return {}; }
};

/// An object being written, from its beginning to its end. Given up without finish(), it never gets its name, or only under a
/// name that nobody was told of.
class WritableObject {
 public:
  virtual ~WritableObject() = default;
  virtual Status append(std::span<const std::byte> data) = 0;
  /// The object is there from here on, whole and for good.
  virtual Status finish() = 0;
};

/// What tells one content of an object from the next.
struct ObjectVersion {
  std::int64_t size = 0;  ///< Bytes.
  std::string tag;        ///< The store's own: another for each content.
  std::string mark;       ///< What ObjectStore::copy was given for it; empty for objects of other makers.
};

/// A small object whole.
struct TaggedObject {
  std::string content;
  std::string tag;
};

/// An object and the name it is copied to within its store.
struct ObjectCopy {
  std::string from;
  std::string to;
  std::int64_t size = 0;  ///< Bytes that it must have.
};

/// The stores beyond this machine's disks, by whole paths such as "s3://bucket/key". Paths are literal: nothing expands
/// patterns or decodes percent signs. Thread-safe. Errors name the path and never a key or password: kNotFound,
/// kPermissionDenied, kUnavailable (worth another try), kInvalidArgument, kUnsupported for a store that is not known, or that is
/// only read.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// An object, or a folder where objects begin with the path and a slash. kNotFound when there is neither.
  virtual Result<ObjectInfo> stat(const std::string& path) = 0;
  /// What lies directly in a folder or bucket, sorted by path. kNotFound when nothing does.
  virtual Result<std::vector<ObjectInfo>> list(const std::string& path) = 0;
  virtual Result<std::unique_ptr<ReadableObject>> open(const std::string& path) = 0;
  /// The same for an object as it was listed, which need not be asked for again where it has a tag: then reading fails, with
  /// kDataCorrupt, once another content is there, or none.
  virtual Result<std::unique_ptr<ReadableObject>> open_known(const ObjectInfo& known) { return open(known.path); }

  /// All objects below a folder, sorted by path, without folders; empty when there are none. kNotFound without the bucket.
  virtual Result<std::vector<ObjectInfo>> list_all(const std::string& folder) { return unsupported(folder); }
  virtual Result<std::unique_ptr<WritableObject>> create(const std::string& path) { return unsupported(path); }
  /// kNotFound when there is no such object.
  virtual Result<ObjectVersion> version_of(const std::string& path) { return unsupported(path); }
  /// kNotFound when there is no such object.
  virtual Result<TaggedObject> get(const std::string& path) { return unsupported(path); }
  /// Puts a small object in the place of the one with this tag, or of none when the tag is empty: of several that try at once,
  /// one succeeds, the others get kConflict.
  virtual Status put_if(const std::string& path, const std::string& /*content*/, const std::string& /*tag*/) {
    return unsupported(path);
  }
  /// Copies objects within their store, each whole in one step, over what is there; a store that can rename may do so, and
  /// the source is gone. kDataCorrupt when one has another size, kNotFound when one is gone. `mark`, if any, is kept with them.
  virtual Status copy(const std::vector<ObjectCopy>& copies, const std::string& /*mark*/) {
    return copies.empty() ? Status::ok() : unsupported(copies.front().to);
  }
  /// Removes objects; fine when they are not there.
  virtual Status remove(const std::vector<std::string>& paths) {
    return paths.empty() ? Status::ok() : unsupported(paths.front());
  }
  /// Removes all objects whose paths begin with `prefix`, and unfinished uploads of such.
  virtual Status remove_prefix(const std::string& prefix) { return unsupported(prefix); }

  /// All that a store in another process needs to be like this one, keys included: it goes to workers over their sockets
  /// and is never written down.
  virtual std::string settings() = 0;
  /// Takes on the settings of another. Before anything else is called.
  virtual Status configure(const std::string& settings) = 0;

 private:
  static Status unsupported(const std::string& path) {
    return Status::unsupported("the store of \"" + path + "\" is read only here", "write to a local path, or to s3://");
  }
};

}  // namespace millpond
