#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

#include "storage/errno_status.h"
#include "storage/file_system.h"
#include "storage/local_file.h"
#include "storage/remove_tree.h"
#include "storage/usrbio_mounts.h"

namespace millpond {
namespace {

// How often a folder may vanish while others are made below it.
constexpr int kMaxRaces = 16;

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// The flags of renameat2 are unknown to some file systems (NFS, many over FUSE).
bool flag_is_unknown(int error) { return error == EINVAL || error == ENOSYS || error == ENOTSUP; }

// The bits that new files of this process lose. Read from the kernel's report, since umask() can only be asked by
// changing it under the feet of other threads.
mode_t current_umask() {
  std::ifstream report("/proc/self/status");
  for (std::string line; std::getline(report, line);) {
    if (line.rfind("Umask:", 0) == 0) return static_cast<mode_t>(std::strtoul(line.c_str() + 6, nullptr, 8));
  }
  return 077;
}

class LocalFileSystem final : public FileSystem {
 public:
  bool is_local_disk(const std::string& path) const override { return !is_read_by_usrbio(path); }
  bool is_read_by_rings(const std::string& path) const override { return is_read_by_usrbio(path); }

  Result<FileInfo> stat(const std::string& path) override {
    MILLPOND_RETURN_IF_ERROR(check_path(path));
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return errno_status(errno, "find", path);
    return to_file_info(path, info);
  }

  Result<std::vector<FileInfo>> list(const std::string& directory) override;

  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override {
    MILLPOND_RETURN_IF_ERROR(check_path(path));
    // Without O_NONBLOCK a named pipe would hang here for ever.
    UniqueFd fd(open_retrying(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd.is_valid()) return errno_status(errno, "open", path);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return errno_status(errno, "look at", path);
    if (S_ISDIR(info.st_mode)) return errno_status(EISDIR, "open", path);
    if (!S_ISREG(info.st_mode)) {
      return Status::unsupported("can't read \"" + path + "\": it is a pipe or a device, not a file",
                                 "Write its content to a file first.");
    }
    if (auto file = open_by_usrbio_of_mount(fd, path, info.st_size)) return file;
    return make_local_readable(std::move(fd), path);
  }

  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override {
    MILLPOND_RETURN_IF_ERROR(check_path(path));
    UniqueFd fd(open_retrying(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.is_valid()) return errno_status(errno, "create", path);
    return make_local_writable(std::move(fd), path);
  }

  Result<std::unique_ptr<WritableFile>> open_append(const std::string& path) override {
    MILLPOND_RETURN_IF_ERROR(check_path(path));
    UniqueFd fd(open_retrying(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.is_valid()) return errno_status(errno, "open", path);
    return make_local_appendable(std::move(fd), path);
  }

  Status make_directories(const std::string& path, unsigned mode) override;

  Status remove_file(const std::string& path) override {
    MILLPOND_RETURN_IF_ERROR(check_path(path));
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_status(errno, "remove", path);
    return Status::ok();
  }

  Status remove_tree(const std::string& path) override { return remove_local_tree(path); }

  Status rename_no_replace(const std::string& from, const std::string& to) override;

  Status rename_replace(const std::string& from, const std::string& to) override {
    MILLPOND_RETURN_IF_ERROR(check_path(from));
    MILLPOND_RETURN_IF_ERROR(check_path(to));
    if (::rename(from.c_str(), to.c_str()) != 0) return rename_error(errno, "rename", from, to);
    return Status::ok();
  }

  Status exchange(const std::string& a, const std::string& b) override {
    MILLPOND_RETURN_IF_ERROR(check_path(a));
    MILLPOND_RETURN_IF_ERROR(check_path(b));
    if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return Status::ok();
    if (flag_is_unknown(errno)) {
      return Status::unsupported("the file system of \"" + b + "\" can't swap two names in one step");
    }
    return rename_error(errno, "swap", a, b);
  }

  Status sync_directory(const std::string& path) override {
    MILLPOND_RETURN_IF_ERROR(check_path(path));
    UniqueFd fd(open_retrying(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.is_valid()) return errno_status(errno, "open", path);
    // EINVAL: a file system whose names are durable without this, or that has no way to make them so.
    if (::fsync(fd.get()) != 0 && errno != EINVAL) return errno_status(errno, "sync", path);
    return Status::ok();
  }

  Status apply_default_mode(const std::string& path) override {
    MILLPOND_RETURN_IF_ERROR(check_path(path));
    UniqueFd fd(open_retrying(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.is_valid()) return errno_status(errno, "open", path);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return errno_status(errno, "look at", path);
    const mode_t mode = (S_ISDIR(info.st_mode) ? 0777 : 0666) & ~current_umask();
    if (::fchmod(fd.get(), mode) != 0) return errno_status(errno, "set the mode of", path);
    return Status::ok();
  }

 private:
  static int open_retrying(const std::string& path, int flags) {
    for (;;) {
      const int fd = ::open(path.c_str(), flags, 0600);
      if (fd >= 0 || errno != EINTR) return fd;
    }
  }

  // The name that an error is about: the one that is there already, else the one that was to be moved.
  static Status rename_error(int error, const char* action, const std::string& from, const std::string& to) {
    const bool about_target = error == EEXIST || error == ENOTEMPTY || error == EISDIR || error == ENOTDIR;
    Status status = errno_status(error, action, about_target ? to : from);
    return Status(status.code(),
                  "can't " + std::string(action) + " \"" + from + "\" to \"" + to +
                      status.message().substr(status.message().rfind("\"")),
                  status.hint())
        .with_context(status.context());
  }
};

Result<std::vector<FileInfo>> LocalFileSystem::list(const std::string& directory) {
  MILLPOND_RETURN_IF_ERROR(check_path(directory));
  std::unique_ptr<DIR, DirectoryCloser> stream(::opendir(directory.c_str()));
  if (stream == nullptr) return errno_status(errno, "list", directory);
  const std::string prefix = directory.back() == '/' ? directory : directory + "/";
  std::vector<FileInfo> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    struct stat info{};
    if (::fstatat(::dirfd(stream.get()), entry->d_name, &info, 0) != 0 &&
        // A link to nothing is an entry too; whoever opens it learns more.
        ::fstatat(::dirfd(stream.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // Gone in the meantime.
      return errno_status(errno, "find", prefix + entry->d_name);
    }
    entries.push_back(to_file_info(prefix + entry->d_name, info));
  }
  if (errno != 0) return errno_status(errno, "list", directory);
  std::sort(entries.begin(), entries.end(), [](const FileInfo& a, const FileInfo& b) { return a.path < b.path; });
  return entries;
}

Status LocalFileSystem::make_directories(const std::string& path, unsigned mode) {
  MILLPOND_RETURN_IF_ERROR(check_path(path));
  // From the whole path upwards to what exists, then down again: most often the first call is the only one.
  std::vector<std::string> missing = {path};
  // Somebody may remove a folder that was just there, now and then. In /proc nothing can be made, however often one tries.
  std::ptrdiff_t tries = std::count(path.begin(), path.end(), '/') + kMaxRaces;
  while (!missing.empty()) {
    const std::string current = missing.back();
    if (::mkdir(current.c_str(), mode) == 0) {
      missing.pop_back();
      continue;
    }
    const int error = errno;
    if (error == ENOENT) {
      const std::size_t end = current.find_last_not_of('/');
      const std::size_t slash = end == std::string::npos ? std::string::npos : current.rfind('/', end);
      if (slash == std::string::npos || slash == 0 || --tries < 0) return errno_status(error, "make the folder", current);
      missing.push_back(current.substr(0, slash));
      continue;
    }
    struct stat info{};
    if (::stat(current.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      missing.pop_back();
      continue;
    }
    if (error == EEXIST || error == ENOTDIR) {
      return errno_status(EEXIST, "make the folder", current);
    }
    return errno_status(error, "make the folder", current);
  }
  return Status::ok();
}

Status LocalFileSystem::rename_no_replace(const std::string& from, const std::string& to) {
  MILLPOND_RETURN_IF_ERROR(check_path(from));
  MILLPOND_RETURN_IF_ERROR(check_path(to));
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return Status::ok();
  if (!flag_is_unknown(errno)) return rename_error(errno, "rename", from, to);

  // A file gets its second name only if that is free. A folder takes at most the place of an empty one, so of two
  // writers, whose folders are never empty, still only one wins.
  struct stat info{};
  if (::lstat(from.c_str(), &info) != 0) return rename_error(errno, "rename", from, to);
  if (!S_ISDIR(info.st_mode)) {
    if (::link(from.c_str(), to.c_str()) != 0) return rename_error(errno, "rename", from, to);
    if (::unlink(from.c_str()) != 0) return rename_error(errno, "rename", from, to);
    return Status::ok();
  }
  if (::lstat(to.c_str(), &info) == 0) return rename_error(EEXIST, "rename", from, to);
  if (::rename(from.c_str(), to.c_str()) != 0) return rename_error(errno, "rename", from, to);
  return Status::ok();
}

}  // namespace

std::shared_ptr<FileSystem> local_file_system() {
  static const std::shared_ptr<FileSystem> instance = std::make_shared<LocalFileSystem>();
  return instance;
}

}  // namespace millpond
