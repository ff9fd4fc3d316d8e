#include "storage/local_file.h"

#include <cerrno>
#include <utility>

#include "base/random.h"
#include "storage/errno_status.h"

namespace millpond {
namespace {

class LocalReadableFile final : public ReadableFile {
 public:
  LocalReadableFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) override {
    if (offset < 0) return Status::invalid_argument("a negative offset for \"" + path_ + "\"");
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t size =
          ::pread(fd_.get(), out.data() + done, out.size() - done, offset + static_cast<std::int64_t>(done));
      if (size == 0) break;  // The end of the file.
      if (size < 0) {
        if (errno == EINTR) continue;
        return errno_status(errno, "read", path_);
      }
      done += static_cast<std::size_t>(size);
    }
    return done;
  }

  Result<FileInfo> info() override {
    struct stat info{};
    if (::fstat(fd_.get(), &info) != 0) return errno_status(errno, "look at", path_);
    return to_file_info(path_, info);
  }

 private:
  const UniqueFd fd_;
  const std::string path_;
};

class LocalWritableFile final : public WritableFile {
 public:
  LocalWritableFile(UniqueFd fd, std::string path, bool appends)
      : fd_(std::move(fd)), path_(std::move(path)), appends_(appends) {}

  Status write_at(std::int64_t offset, std::span<const std::byte> data) override {
    if (!fd_.is_valid()) return Status::internal("write to \"" + path_ + "\" after close");
    if (offset < 0) return Status::invalid_argument("a negative offset for \"" + path_ + "\"");
    std::size_t done = 0;
    while (done < data.size()) {
      const ssize_t size = write_some(offset + static_cast<std::int64_t>(done), data.subspan(done));
      if (size < 0) {
        if (errno == EINTR) continue;
        return errno_status(errno, "write", path_, static_cast<std::int64_t>(data.size() - done));
      }
      done += static_cast<std::size_t>(size);
    }
    return Status::ok();
  }

  Status sync() override {
    if (!fd_.is_valid()) return Status::internal("sync of \"" + path_ + "\" after close");
    // Never repeated after an error: the kernel may have dropped the pages, and a second call would then succeed.
    if (::fsync(fd_.get()) != 0) return errno_status(errno, "sync", path_);
    return Status::ok();
  }

  Status close() override {
    if (!fd_.is_valid()) return Status::ok();
    // Linux closes the descriptor even on EINTR; stores behind a network report lost writes here.
    if (::close(fd_.release()) != 0 && errno != EINTR) return errno_status(errno, "close", path_);
    return Status::ok();
  }

 private:
  ssize_t write_some(std::int64_t offset, std::span<const std::byte> data) {
    if (appends_) return ::write(fd_.get(), data.data(), data.size());
    return ::pwrite(fd_.get(), data.data(), data.size(), offset);
  }

  UniqueFd fd_;
  const std::string path_;
  const bool appends_;
};

}  // namespace

FileInfo to_file_info(std::string path, const struct stat& info) {
  const bool is_directory = S_ISDIR(info.st_mode);
  // Both numbers in one: two files of a machine get the same id with a chance of one in 2^64.
  const std::uint64_t file_id = splitmix64(splitmix64(info.st_dev) + info.st_ino);
  return FileInfo{std::move(path), is_directory ? 0 : static_cast<std::int64_t>(info.st_size),
                  info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec, is_directory, file_id};
}

std::unique_ptr<ReadableFile> make_local_readable(UniqueFd fd, std::string path) {
  return std::make_unique<LocalReadableFile>(std::move(fd), std::move(path));
}

std::unique_ptr<WritableFile> make_local_writable(UniqueFd fd, std::string path) {
  return std::make_unique<LocalWritableFile>(std::move(fd), std::move(path), false);
}

std::unique_ptr<WritableFile> make_local_appendable(UniqueFd fd, std::string path) {
  return std::make_unique<LocalWritableFile>(std::move(fd), std::move(path), true);
}

}  // namespace millpond
