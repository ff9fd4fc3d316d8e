#include "storage/data_root.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "storage/errno_status.h"
#include "storage/file_system.h"

namespace millpond {

Status prepare_data_root(const std::string& path) {
  MILLPOND_RETURN_IF_ERROR(local_file_system()->make_directories(path));
  struct stat info{};
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
