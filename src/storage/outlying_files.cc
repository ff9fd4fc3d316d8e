#include "storage/outlying_files.h"

#include <utility>

namespace millpond {
namespace {

class OutlyingFileSystem final : public FileSystem {
 public:
  OutlyingFileSystem(std::shared_ptr<FileSystem> base, std::shared_ptr<WorkerLauncher> launcher, std::string directory)
      : base_(std::move(base)), launcher_(std::move(launcher)), prefix_(std::move(directory) + "/") {}

  bool is_local_disk(const std::string& path) const override { return base_->is_local_disk(path); }
  bool is_read_by_rings(const std::string& path) const override { return base_->is_read_by_rings(path); }
  ObjectStore* store_of(const std::string& path) const override { return base_->store_of(path); }

  Result<FileInfo> stat(const std::string& path) override {
    Result<FileInfo> info = base_->stat(path);
    if (info.is_ok() || !may_be_elsewhere(path, info.status())) return info;
    const std::optional<std::int64_t> size = launcher_->size_of(path);
    if (!size) return info;
    FileInfo outlying;
    outlying.path = path;
    outlying.size = *size;
    return outlying;
  }

  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override {
    Result<std::unique_ptr<ReadableFile>> file = base_->open(path);
    if (file.is_ok() || !may_be_elsewhere(path, file.status()) || !launcher_->size_of(path)) return file;
    MILLPOND_RETURN_IF_ERROR(launcher_->fetch(path));
    return base_->open(path);
  }

  Status remove_file(const std::string& path) override {
    if (path.starts_with(prefix_)) launcher_->remove(path);
    return base_->remove_file(path);
  }

  Result<std::vector<FileInfo>> list(const std::string& directory) override { return base_->list(directory); }
  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override { return base_->create(path); }
  Status make_directories(const std::string& path, unsigned mode) override { return base_->make_directories(path, mode); }
  Status remove_tree(const std::string& path) override { return base_->remove_tree(path); }
  Status rename_no_replace(const std::string& from, const std::string& to) override {
    return base_->rename_no_replace(from, to);
  }
  Status rename_replace(const std::string& from, const std::string& to) override { return base_->rename_replace(from, to); }
  Status exchange(const std::string& a, const std::string& b) override { return base_->exchange(a, b); }
  Status sync_directory(const std::string& path) override { return base_->sync_directory(path); }
  Status apply_default_mode(const std::string& path) override { return base_->apply_default_mode(path); }
  Result<std::unique_ptr<WritableFile>> open_append(const std::string& path) override { return base_->open_append(path); }

 private:
  bool may_be_elsewhere(const std::string& path, const Status& status) const {
    return status.code() == StatusCode::kNotFound && path.starts_with(prefix_);
  }

  const std::shared_ptr<FileSystem> base_;
  const std::shared_ptr<WorkerLauncher> launcher_;
  const std::string prefix_;
};

}  // namespace

std::shared_ptr<FileSystem> with_outlying_files(std::shared_ptr<FileSystem> base, std::shared_ptr<WorkerLauncher> launcher,
                                                std::string directory) {
  return std::make_shared<OutlyingFileSystem>(std::move(base), std::move(launcher), std::move(directory));
}

}  // namespace millpond
