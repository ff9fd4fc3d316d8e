#include "sql/file_system_bridge.h"

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/uri.h"
#include "duckdb/main/database.hpp"
#include "sql/bridged_file.h"
#include "sql/errors.h"
#include "sql/lines_path.h"
#include "sql/pinned_inputs.h"
#include "sql/status_exception.h"
#include "sql/verify_files.h"
#include "storage/glob.h"
#include "storage/line_range_file.h"
#include "storage/parent_path.h"

namespace millpond {
namespace {

// "a[*]b" is how escape_glob() writes the literal "a*b"; nothing when the pattern is a real one.
std::optional<std::string> literal_of(const std::string& pattern) {
  std::string literal;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '[' && i + 2 < pattern.size() && pattern[i + 2] == ']') {
      literal += pattern[i + 1];
      i += 2;
    } else if (is_pattern({&pattern[i], 1})) {
      return std::nullopt;
    } else {
      literal += pattern[i];
    }
  }
  return literal;
}

// DuckDB keeps footers and pieces of a file for later as long as its time stays. A time that is not known must not look like one
// that stays: what replaced an object would not be read.
duckdb::timestamp_t timestamp_of(const FileInfo& info) {
  return info.mtime_ns == 0 ? duckdb::timestamp_t::infinity() : duckdb::timestamp_t(info.mtime_ns / 1000);
}

class FileSystemBridge final : public duckdb::FileSystem {
 public:
  FileSystemBridge(std::shared_ptr<millpond::FileSystem> files, std::string temp_directory)
      : files_(std::move(files)), temp_directory_(std::move(temp_directory)) {}

  std::string GetName() const override { return "millpond"; }
  bool IsManuallySet() override { return true; }
  bool CanSeek() override { return true; }
  // DuckDB fetches ahead, in larger pieces, what lies elsewhere.
  bool OnDiskFile(duckdb::FileHandle& handle) override {
    return !has_scheme(handle.GetPath()) && !files_->is_read_by_rings(handle.GetPath());
  }
  bool CanHandleFile(const std::string& path) override {
    if (parse_lines_path(path)) return true;
    if (files_->is_local_disk(path)) return false;
    // A query's own patterns: DuckDB expands them on disks, then comes for each file.
    if (files_->is_read_by_rings(path) && is_pattern(path)) return false;
    return temp_directory_.empty() || path.compare(0, temp_directory_.size(), temp_directory_) != 0;
  }

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const std::string& path, duckdb::FileOpenFlags flags,
                                                  duckdb::optional_ptr<duckdb::FileOpener> opener) override {
    if (flags.OpenForReading() && flags.OpenForWriting()) {
      throw_status(Status::unsupported("\"" + path + "\" can't be read and written at once on this store"));
    }
    return flags.OpenForWriting() ? open_target(path, flags) : open_source(path, flags, opener.get());
  }

  void Read(duckdb::FileHandle& handle, void* out, std::int64_t num_bytes, duckdb::idx_t location) override {
    const std::int64_t got = file(handle).read_at(out, num_bytes, static_cast<std::int64_t>(location));
    if (got == num_bytes) return;
    ErrorContext context;
    context.file = handle.GetPath();
    throw_status(Status::io_error("the file ends " + std::to_string(num_bytes - got) + " bytes too early").with_context(context));
  }
  std::int64_t Read(duckdb::FileHandle& handle, void* out, std::int64_t num_bytes) override {
    return file(handle).read_on(out, num_bytes);
  }
  void Write(duckdb::FileHandle& handle, void* data, std::int64_t num_bytes, duckdb::idx_t location) override {
    file(handle).write_at(data, num_bytes, static_cast<std::int64_t>(location));
  }
  std::int64_t Write(duckdb::FileHandle& handle, void* data, std::int64_t num_bytes) override {
    file(handle).write_on(data, num_bytes);
    return num_bytes;
  }
  void FileSync(duckdb::FileHandle& handle) override { file(handle).sync(); }
  void AbortFileWrite(duckdb::FileHandle& handle) override {
    file(handle).abandon();
    // Only what this handle made; an error here would hide why the write was given up.
    if (handle.GetFlags().ExclusiveCreate()) (void)files_->remove_file(handle.GetPath());
  }

  std::int64_t GetFileSize(duckdb::FileHandle& handle) override { return file(handle).info().size; }
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle& handle) override { return timestamp_of(file(handle).info()); }
  duckdb::FileType GetFileType(duckdb::FileHandle&) override { return duckdb::FileType::FILE_TYPE_REGULAR; }
  void Seek(duckdb::FileHandle& handle, duckdb::idx_t location) override { file(handle).seek(static_cast<std::int64_t>(location)); }
  void Reset(duckdb::FileHandle& handle) override { file(handle).seek(0); }
  duckdb::idx_t SeekPosition(duckdb::FileHandle& handle) override { return static_cast<duckdb::idx_t>(file(handle).position()); }

  bool FileExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override {
    const std::optional<FileInfo> info = find(path);
    return info.has_value() && !info->is_directory;
  }
  bool DirectoryExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override {
    const std::optional<FileInfo> info = find(path);
    return info.has_value() && info->is_directory;
  }
  void CreateDirectory(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override {
    throw_if_error(files_->make_directories(path, 0777));
  }
  void RemoveDirectory(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override {
    throw_if_error(files_->remove_tree(path));
  }
  void RemoveFile(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override {
    throw_if_error(files_->remove_file(path));
  }
  void MoveFile(const std::string& from, const std::string& to, duckdb::optional_ptr<duckdb::FileOpener>) override {
    throw_if_error(files_->rename_replace(from, to));
  }

  bool ListFiles(const std::string& directory, const std::function<void(const std::string&, bool)>& callback,
                 duckdb::FileOpener*) override {
    const Result<std::vector<FileInfo>> entries = files_->list(directory);
    if (entries.status().code() == StatusCode::kNotFound) return false;
    throw_if_error(entries.status());
    for (const FileInfo& entry : *entries) callback(base_name(entry.path), entry.is_directory);
    return true;
  }

  duckdb::vector<duckdb::OpenFileInfo> Glob(const std::string& path, duckdb::FileOpener*) override {
    const std::optional<std::string> literal = literal_of(path);
    if (!literal.has_value()) {
      throw_status(Status::unsupported("\"" + path + "\" is a pattern: only names can be read here",
                                       "Read files with read_parquet, read_csv or read_json of the session."));
    }
    duckdb::vector<duckdb::OpenFileInfo> found;
    if (FileExists(*literal, nullptr)) found.emplace_back(*literal);
    return found;
  }

 private:
  static BridgedFile& file(duckdb::FileHandle& handle) { return handle.Cast<BridgedFile>(); }

  std::optional<FileInfo> find(const std::string& path) {
    const std::optional<LinesPath> some = parse_lines_path(path);
    Result<FileInfo> info = files_->stat(some ? some->path : path);
    if (info.status().code() == StatusCode::kNotFound) return std::nullopt;
    return value_or_throw(std::move(info));
  }

  duckdb::unique_ptr<duckdb::FileHandle> open_source(const std::string& path, const duckdb::FileOpenFlags& flags,
                                                     duckdb::FileOpener* opener) {
    const std::optional<LinesPath> some = parse_lines_path(path);
    const std::string& name = some ? some->path : path;
    const std::optional<FileSlice> pinned = PinnedInputs::find(opener, name);
    Result<std::unique_ptr<ReadableFile>> source = pinned ? files_->open_known(as_listed(*pinned)) : files_->open(name);
    if (pinned && source.status().code() == StatusCode::kNotFound) throw_if_error(verify_file(*files_, *pinned));
    if (source.status().code() == StatusCode::kNotFound && flags.ReturnNullIfNotExists()) return nullptr;
    throw_if_error(source.status());
    FileInfo info = value_or_throw((*source)->info());
    if (pinned) throw_if_error(PinnedInputs::check(opener, *files_, *pinned, info));
    if (some) {
      source = open_lines(std::move(*source), some->lines.begin, some->lines.end);
      throw_if_error(source.status());
      info = value_or_throw((*source)->info());
    }
    return duckdb::make_uniq<BridgedFile>(*this, path, flags, std::move(*source), std::move(info));
  }

  duckdb::unique_ptr<duckdb::FileHandle> open_target(const std::string& path, const duckdb::FileOpenFlags& flags) {
    if (flags.OpenForAppending()) {
      const std::optional<FileInfo> before = find(path);
      auto target = value_or_throw(files_->open_append(path));
      return duckdb::make_uniq<BridgedFile>(*this, path, flags, std::move(target), before.has_value() ? before->size : 0);
    }
    if (flags.OverwriteExistingFile() && !flags.ExclusiveCreate()) throw_if_error(files_->remove_file(path));
    Result<std::unique_ptr<WritableFile>> target = files_->create(path);
    if (target.status().code() == StatusCode::kAlreadyExists && flags.ReturnNullIfExists()) return nullptr;
    throw_if_error(target.status());
    return duckdb::make_uniq<BridgedFile>(*this, path, flags, std::move(*target), 0);
  }

  const std::shared_ptr<millpond::FileSystem> files_;
  const std::string temp_directory_;
};

}  // namespace

Status bridge_file_system(duckdb::DatabaseInstance& instance, std::shared_ptr<FileSystem> files,
                          const std::string& temp_directory) {
  return without_exceptions([&]() -> Status {
    instance.GetFileSystem().RegisterSubSystem(
        duckdb::make_uniq<FileSystemBridge>(std::move(files), temp_directory));
    return Status::ok();
  });
}

}  // namespace millpond
