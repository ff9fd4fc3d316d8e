#include "storage/usrbio_library.h"

#include <dlfcn.h>
#include <sys/resource.h>

namespace millpond {
namespace {

class Names {
 public:
  explicit Names(void* library) : library_(library) {}

  template <typename Function>
  void find(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(::dlsym(library_, name));
    if (function == nullptr) missing_ += (missing_.empty() ? "" : ", ") + std::string(name);
  }
  const std::string& missing() const { return missing_; }

 private:
  void* library_;
  std::string missing_;
};

}  // namespace

Status check_descriptor_limit(std::uint64_t hard_limit) {
  constexpr std::uint64_t kMost = std::uint64_t{4} << 20;
  if (hard_limit <= kMost) return Status::ok();
  return Status::unsupported("the hard limit of open files is " + std::to_string(hard_limit) +
                             ", for each of which the library of 3FS would take memory (set it with ulimit -Hn 1048576)");
}

Result<UsrbioLibrary> load_usrbio(const std::string& name) {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) MILLPOND_RETURN_IF_ERROR(check_descriptor_limit(limit.rlim_max));
  // Never closed: it holds threads and memory of its own. Local, since it brings copies of libraries that we have, too.
  void* const handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const reason = ::dlerror();
    return Status::not_found("the library of 3FS can't be loaded: " + std::string(reason != nullptr ? reason : name.c_str()));
  }
  UsrbioLibrary library{};
  Names names(handle);
  names.find(library.is_hf3fs, "hf3fs_is_hf3fs");
  names.find(library.extract_mount_point, "hf3fs_extract_mount_point");
  names.find(library.iovcreate, "hf3fs_iovcreate");
  names.find(library.iovunlink, "hf3fs_iovunlink");
  names.find(library.iovdestroy, "hf3fs_iovdestroy");
  names.find(library.iorcreate4, "hf3fs_iorcreate4");
  names.find(library.iordestroy, "hf3fs_iordestroy");
  names.find(library.reg_fd, "hf3fs_reg_fd");
  names.find(library.dereg_fd, "hf3fs_dereg_fd");
  names.find(library.prep_io, "hf3fs_prep_io");
  names.find(library.submit_ios, "hf3fs_submit_ios");
  names.find(library.wait_for_ios, "hf3fs_wait_for_ios");
  if (!names.missing().empty()) {
    return Status::unsupported("the library of 3FS, \"" + name + "\", is of another version: it has no " + names.missing());
  }
  return library;
}

}  // namespace millpond
