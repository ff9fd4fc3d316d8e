#include "storage/data_root.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "storage/errno_status.h"
#include "storage/file_system.h"
#include "storage/unique_fd.h"

namespace millpond {
namespace {

// Tells ext4 that the folders below are unrelated (chattr +T), so that it puts each job's files into a part of the disk of
// its own. Without it all jobs share the parent's, and where there is no journal making a file walks past every file
// removed there in the last minutes. Other file systems don't know the hint.
void spread_subfolders(const std::string& path) {
  const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // The kernel reads and writes an int, whatever the request's number says.
  int flags = 0;
  if (!folder.is_valid() || ::ioctl(folder.get(), FS_IOC_GETFLAGS, &flags) != 0) return;
  flags |= FS_TOPDIR_FL;
  (void)::ioctl(folder.get(), FS_IOC_SETFLAGS, &flags);
}

}  // namespace

Status prepare_data_root(const std::string& path) {
  struct stat info{};
  const bool is_new = ::stat(path.c_str(), &info) != 0 && errno == ENOENT;
  MILLPOND_RETURN_IF_ERROR(local_file_system()->make_directories(path));
  if (is_new) spread_subfolders(path);
  if (::stat(path.c_str(), &info) != 0) return errno_status(errno, "look at", path);
  if (info.st_uid != ::geteuid()) {
    return Status(StatusCode::kPermissionDenied, "data_root \"" + path + "\" belongs to another user",
                  "choose a folder of your own with data_root= or MILLPOND_DATA_ROOT");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (info.st_mode & S_ISVTX) == 0) {
    return Status(StatusCode::kPermissionDenied, "others may write to data_root \"" + path + "\"",
                  "take that right away with chmod go-w, or choose another folder with data_root=");
  }
  return Status::ok();
}

}  // namespace millpond
