#include "storage/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "storage/errno_status.h"
#include "storage/mounted_3fs.h"
#include "storage/parent_path.h"
#include "storage/unique_fd.h"

namespace millpond {
namespace {

// A dying writer may add a file between the emptying of a folder and its removal.
constexpr int kRounds = 4;
// Each level holds a descriptor; our own trees are a few levels deep.
constexpr int kMaxDepth = 128;

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

Status empty_directory(UniqueFd directory, const std::string& path, int depth);

bool is_directory(int parent, const dirent* entry) {
  if (entry->d_type != DT_UNKNOWN) return entry->d_type == DT_DIR;
  struct stat info{};
  return ::fstatat(parent, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

// Removes the folder `name` in `parent` with all below it.
Status remove_directory(int parent, const char* name, const std::string& path, int depth) {
  if (depth > kMaxDepth) return Status::unsupported("\"" + path + "\" is nested too deep to be removed safely");
  for (int round = 0;; ++round) {
    UniqueFd directory(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory.is_valid()) {
      if (errno == ENOENT) return Status::ok();
      // Swapped for a link or a file since it was looked at: those are removed themselves, never followed.
      if (depth > 0 && (errno == ELOOP || errno == ENOTDIR)) {
        if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return Status::ok();
      }
      return errno_status(errno, "open for removal", path);
    }
    MILLPOND_RETURN_IF_ERROR(empty_directory(std::move(directory), path, depth));
    if (::unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return Status::ok();
    if ((errno != ENOTEMPTY && errno != EEXIST) || round == kRounds) return errno_status(errno, "remove", path);
  }
}

Status empty_directory(UniqueFd directory, const std::string& path, int depth) {
  const int fd = directory.get();
  std::unique_ptr<DIR, DirectoryCloser> stream(::fdopendir(fd));
  if (stream == nullptr) return errno_status(errno, "list", path);
  (void)directory.release();  // The stream owns it now.
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    const std::string below = path + "/" + entry->d_name;
    if (is_directory(fd, entry)) {
      MILLPOND_RETURN_IF_ERROR(remove_directory(fd, entry->d_name, below, depth + 1));
    } else if (::unlinkat(fd, entry->d_name, 0) != 0 && errno != ENOENT) {
      if (errno != EISDIR) return errno_status(errno, "remove", below);
      MILLPOND_RETURN_IF_ERROR(remove_directory(fd, entry->d_name, below, depth + 1));
    }
  }
  if (errno != 0) return errno_status(errno, "list", path);
  return Status::ok();
}

}  // namespace

Status remove_local_tree(const std::string& path) {
  MILLPOND_RETURN_IF_ERROR(check_path(path));
  const std::string trimmed = trimmed_path(path);
  const std::size_t slash = trimmed.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : trimmed.substr(0, slash);
  const std::string name = slash == std::string::npos ? trimmed : trimmed.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") {
    return Status::invalid_argument("refused to remove \"" + path + "\": the last part must be a name");
  }
  UniqueFd parent_fd(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!parent_fd.is_valid()) {
    if (errno == ENOENT) return Status::ok();
    return errno_status(errno, "open", parent);
  }
  if (const auto moved = hand_over_tree_3fs(parent_fd.get(), name)) {
    // Gone already, unless a folder that only looks like 3FS's took it.
    (void)remove_directory(moved->folder.get(), moved->name.c_str(), trimmed, 0);
    return Status::ok();
  }
  const Status status = remove_directory(parent_fd.get(), name.c_str(), trimmed, 0);
  if (status.is_ok()) return status;
  struct stat info{};
  if (::fstatat(parent_fd.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(info.st_mode)) {
    return Status::invalid_argument("refused to remove \"" + trimmed + "\": it is not a folder");
  }
  return status;
}

}  // namespace millpond
