#include "storage/files_by_scheme.h"

#include <mutex>
#include <utility>

#include "base/uri.h"
#include "storage/file_tails.h"

namespace millpond {
namespace {

FileInfo to_file_info(ObjectInfo object) {
  FileInfo info;
  info.path = std::move(object.path);
  info.size = object.size;
  info.mtime_ns = object.mtime_ns;
  info.is_directory = object.is_directory;
  info.tag = std::move(object.tag);
  return info;
}

class StoredFile final : public ReadableFile {
 public:
  StoredFile(std::string path, std::unique_ptr<ReadableObject> object)
      : path_(std::move(path)), object_(std::move(object)) {}

  Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) override {
    return object_->read_at(offset, out);
  }
  Result<FileInfo> info() override {
    FileInfo info;
    info.path = path_;
    info.size = object_->size();
    info.tag = object_->tag();
    return info;
  }

 private:
  std::string path_;
  std::unique_ptr<ReadableObject> object_;
};

// What DuckDB writes, in one go from the beginning to the end.
class UploadedFile final : public WritableFile {
 public:
  UploadedFile(std::string path, std::unique_ptr<WritableObject> object)
      : path_(std::move(path)), object_(std::move(object)) {}

  Status write_at(std::int64_t offset, std::span<const std::byte> data) override {
    std::lock_guard lock(mutex_);
    if (offset != size_) {
      return Status::unsupported("\"" + path_ + "\" is on a store, where files are written from their beginning to their end");
    }
    MILLPOND_RETURN_IF_ERROR(object_->append(data));
    size_ += static_cast<std::int64_t>(data.size());
    return Status::ok();
  }
  // What a store has taken is safe.
  Status sync() override { return Status::ok(); }
  Status close() override { return object_->finish(); }

 private:
  const std::string path_;
  const std::unique_ptr<WritableObject> object_;
  std::mutex mutex_;
  std::int64_t size_ = 0;
};

class FilesByScheme final : public FileSystem {
 public:
  FilesByScheme(std::shared_ptr<FileSystem> local, std::shared_ptr<ObjectStore> store)
      : local_(std::move(local)), store_(std::move(store)) {}

  bool is_local_disk(const std::string& path) const override { return !has_scheme(path) && local_->is_local_disk(path); }
  bool is_read_by_rings(const std::string& path) const override { return !has_scheme(path) && local_->is_read_by_rings(path); }

  Result<FileInfo> stat(const std::string& path) override {
    if (!has_scheme(path)) return local_->stat(path);
    MILLPOND_RETURN_IF_ERROR(reachable(path));
    MILLPOND_ASSIGN_OR_RETURN(ObjectInfo info, store_->stat(path));
    return to_file_info(std::move(info));
  }
  Result<std::vector<FileInfo>> list(const std::string& directory) override {
    if (!has_scheme(directory)) return local_->list(directory);
    MILLPOND_RETURN_IF_ERROR(reachable(directory));
    MILLPOND_ASSIGN_OR_RETURN(std::vector<ObjectInfo> entries, store_->list(directory));
    std::vector<FileInfo> files;
    files.reserve(entries.size());
    for (ObjectInfo& entry : entries) files.push_back(to_file_info(std::move(entry)));
    return files;
  }
  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override {
    if (!has_scheme(path)) return local_->open(path);
    MILLPOND_RETURN_IF_ERROR(reachable(path));
    MILLPOND_ASSIGN_OR_RETURN(std::unique_ptr<ReadableObject> object, store_->open(path));
    return std::unique_ptr<ReadableFile>(std::make_unique<StoredFile>(path, std::move(object)));
  }

  Result<std::unique_ptr<ReadableFile>> open_known(const FileInfo& known) override {
    if (!has_scheme(known.path)) return local_->open_known(known);
    MILLPOND_RETURN_IF_ERROR(reachable(known.path));
    const ObjectInfo object{known.path, known.size, known.mtime_ns, false, known.tag};
    MILLPOND_ASSIGN_OR_RETURN(std::unique_ptr<ReadableObject> opened, store_->open_known(object));
    const bool is_held = FileTails::may_hold(known) && opened->tag() == known.tag && opened->size() == known.size;
    auto file = std::make_unique<StoredFile>(known.path, std::move(opened));
    if (!is_held) return std::unique_ptr<ReadableFile>(std::move(file));
    return with_known_tail(std::move(file), known, tails_);
  }

  ObjectStore* store_of(const std::string& path) const override {
    return has_scheme(path) ? store_.get() : local_->store_of(path);
  }

  // A store has no folders: what is made, synced or given a mode on a disk needs nothing there.
  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override {
    if (!has_scheme(path)) return local_->create(path);
    MILLPOND_RETURN_IF_ERROR(reachable(path));
    MILLPOND_ASSIGN_OR_RETURN(std::unique_ptr<WritableObject> object, store_->create(path));
    return std::unique_ptr<WritableFile>(std::make_unique<UploadedFile>(path, std::move(object)));
  }
  Status make_directories(const std::string& path, unsigned mode) override {
    return has_scheme(path) ? reachable(path) : local_->make_directories(path, mode);
  }
  Status remove_file(const std::string& path) override {
    if (!has_scheme(path)) return local_->remove_file(path);
    MILLPOND_RETURN_IF_ERROR(reachable(path));
    return store_->remove({path});
  }
  Status remove_tree(const std::string& path) override {
    if (!has_scheme(path)) return local_->remove_tree(path);
    MILLPOND_RETURN_IF_ERROR(reachable(path));
    return store_->remove_prefix(path + "/");
  }
  Status rename_no_replace(const std::string& from, const std::string& to) override {
    return has_scheme(to) ? no_such_call(to) : local_->rename_no_replace(from, to);
  }
  Status rename_replace(const std::string& from, const std::string& to) override {
    return has_scheme(to) ? no_such_call(to) : local_->rename_replace(from, to);
  }
  Status exchange(const std::string& a, const std::string& b) override {
    return has_scheme(a) ? no_such_call(a) : local_->exchange(a, b);
  }
  Status sync_directory(const std::string& path) override {
    return has_scheme(path) ? reachable(path) : local_->sync_directory(path);
  }
  Status apply_default_mode(const std::string& path) override {
    return has_scheme(path) ? reachable(path) : local_->apply_default_mode(path);
  }
  Result<std::unique_ptr<WritableFile>> open_append(const std::string& path) override {
    if (has_scheme(path)) return no_such_call(path);
    return local_->open_append(path);
  }

 private:
  Status reachable(const std::string& path) const {
    if (store_ != nullptr) return Status::ok();
    return Status::unsupported("\"" + path + "\" is on a store, and this session has no way to it",
                               "set SessionOptions::object_store, or copy the data to a local path");
  }
  static Status no_such_call(const std::string& path) {
    return Status::unsupported("\"" + path + "\" is on a store, where nothing can be renamed or appended to",
                               "use a local path for what needs it");
  }

  std::shared_ptr<FileSystem> local_;
  std::shared_ptr<FileTails> tails_ = std::make_shared<FileTails>();
  std::shared_ptr<ObjectStore> store_;
};

}  // namespace

std::shared_ptr<FileSystem> files_by_scheme(std::shared_ptr<FileSystem> local, std::shared_ptr<ObjectStore> store) {
  return std::make_shared<FilesByScheme>(std::move(local), std::move(store));
}

}  // namespace millpond
