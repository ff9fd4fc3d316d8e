#include "storage/lease.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/json.h"
#include "storage/errno_status.h"
#include "storage/process_identity.h"

namespace millpond {
namespace {

// A lock belongs to the open file, which a forked child shares: were it to outlive its parent, the lease would too. So
// each child closes its copies.
class HeldDescriptors {
 public:
  static HeldDescriptors& instance() {
    static HeldDescriptors* const held = new HeldDescriptors;  // Never destroyed: forks may happen until the very end.
    return *held;
  }
  void add(int fd) {
    const std::lock_guard lock(mutex_);
    descriptors_.insert(fd);
  }
  void remove(int fd) {
    const std::lock_guard lock(mutex_);
    descriptors_.erase(fd);
  }

 private:
  HeldDescriptors() {
    ::pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                     [] { instance().close_all(); });
  }
  void close_all() {
    for (const int fd : descriptors_) ::close(fd);
    descriptors_.clear();
    mutex_.unlock();
  }
  std::mutex mutex_;
  std::set<int> descriptors_;
};

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

constexpr int kTries = 4;
constexpr std::chrono::milliseconds kPause{5};

// For people who find the lease taken; the lock alone decides.
std::string describe_holder() {
  return Json::object({{"pid", static_cast<std::int64_t>(::getpid())},
                       {"host", host_name()},
                       {"boot_id", boot_id()},
                       {"since_ns", system_clock().now_ns()}})
             .dump() +
         "\n";
}

Status taken(const std::string& directory, const std::string& path) {
  const Result<Json> holder = Json::parse(first_line(path));
  const std::string who = holder.is_ok() ? name_of_process(*holder) : "another process";
  ErrorContext context;
  context.file = path;
  return Status(StatusCode::kConflict, "\"" + directory + "\" is in use by " + who,
                "Wait until it has ended, or choose another job id.")
      .with_context(context);
}

bool names_same_file(int fd, const std::string& path) {
  struct stat open_file{}, named{};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 && open_file.st_dev == named.st_dev &&
         open_file.st_ino == named.st_ino;
}

bool lock_without_waiting(int fd, int kind) {
  while (::flock(fd, kind | LOCK_NB) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<Lease>> Lease::acquire(const std::string& directory) {
  MILLPOND_RETURN_IF_ERROR(check_path(directory));
  const std::string path = directory + "/lease";
  // The holder before us removes its file when it ends. Whoever had opened that one locks a file without a name: again.
  for (int tries = 0;;) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd.is_valid()) {
      if (errno == EINTR) continue;
      return errno_status(errno, "open", path);
    }
    if (!lock_without_waiting(fd.get(), LOCK_EX)) {
      // is_leased() of another process may hold it for a moment.
      if (errno == EWOULDBLOCK && ++tries < kTries) {
        std::this_thread::sleep_for(kPause);
        continue;
      }
      if (errno == EWOULDBLOCK) return taken(directory, path);
      return errno_status(errno, "lock", path);
    }
    if (!names_same_file(fd.get(), path)) continue;

    const std::string text = describe_holder();
    if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), text.data(), text.size(), 0) < 0) {
      // A full disk: the lease holds all the same, only its description is lost.
    }
    return std::unique_ptr<Lease>(new Lease(std::move(fd), path));
  }
}

Lease::Lease(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)), owner_(::getpid()) {
  HeldDescriptors::instance().add(fd_.get());
}

Lease::~Lease() {
  if (::getpid() != owner_) {
    (void)fd_.release();  // Closed at the fork; the number may mean another file by now.
    return;
  }
  if (names_same_file(fd_.get(), path_)) ::unlink(path_.c_str());
  HeldDescriptors::instance().remove(fd_.get());
}

Result<bool> is_leased(const std::string& directory) {
  MILLPOND_RETURN_IF_ERROR(check_path(directory));
  const std::string path = directory + "/lease";
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.is_valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return errno_status(errno, "open", path);
  }
  if (lock_without_waiting(fd.get(), LOCK_SH)) return false;
  if (errno == EWOULDBLOCK) return true;
  return errno_status(errno, "lock", path);
}

}  // namespace millpond
