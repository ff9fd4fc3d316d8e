#include "storage/errno_status.h"

#include <cerrno>
#include <system_error>
#include <utility>

namespace millpond {
namespace {

struct Meaning {
  StatusCode code;
  const char* hint;
};

Meaning meaning_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {StatusCode::kNotFound, "Check the path."};
    case EEXIST:
    case ENOTEMPTY:
      return {StatusCode::kAlreadyExists, "Remove it or choose another name."};
    case EACCES:
    case EPERM:
      return {StatusCode::kPermissionDenied, "Check the owner and mode of the path and of the folders above it."};
    case EROFS:
      return {StatusCode::kPermissionDenied, "The file system is mounted read-only: choose another place."};
    case ENOSPC:
      return {StatusCode::kOutOfSpace, "Free space on this disk or choose a path on another, then run again."};
    case EDQUOT:
      return {StatusCode::kOutOfSpace, "Your disk quota is used up: free some of it, then run again."};
    case EFBIG:
      return {StatusCode::kOutOfSpace, "The file would exceed the largest size allowed here (see ulimit -f)."};
    case ENOMEM:
      return {StatusCode::kOutOfMemory, "The machine has no memory left for the kernel's own needs."};
    case EMFILE:
    case ENFILE:
      return {StatusCode::kIoError, "Raise the limit of open files (ulimit -n)."};
    case ENAMETOOLONG:
      return {StatusCode::kInvalidArgument, "Names may have 255 bytes and paths 4095."};
    case ELOOP:
      return {StatusCode::kInvalidArgument, "A symbolic link stands where none may, or links go in a circle."};
    case EISDIR:
      return {StatusCode::kInvalidArgument, "This is a folder, not a file."};
    case EINVAL:
      return {StatusCode::kInvalidArgument, ""};
    case EXDEV:
      return {StatusCode::kInvalidArgument, "Both names must lie on the same file system."};
    default:
      return {StatusCode::kIoError, ""};
  }
}

}  // namespace

Status errno_status(int error, std::string_view action, const std::string& path, std::int64_t bytes) {
  const Meaning meaning = meaning_of(error);
  std::string message = "can't " + std::string(action) + " \"" + path + "\"";
  if (meaning.code == StatusCode::kOutOfSpace && bytes >= 0) {
    message += " (" + std::to_string(bytes) + " bytes more are needed)";
  }
  message += ": " + std::generic_category().message(error);
  ErrorContext context;
  context.file = path;
  return Status(meaning.code, std::move(message), meaning.hint).with_context(context);
}

Status check_path(const std::string& path) {
  if (path.empty()) return Status::invalid_argument("a path is empty");
  if (path.find('\0') != std::string::npos) {
    return Status::invalid_argument("a path holds a zero byte: \"" + std::string(path.c_str()) + "\\0…\"");
  }
  return Status::ok();
}

}  // namespace millpond
