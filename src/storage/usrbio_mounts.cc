#include "storage/usrbio_mounts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "storage/mounted_3fs.h"
#include "storage/usrbio_file.h"
#include "storage/usrbio_pool.h"

namespace millpond {
namespace {

constexpr const char* kLibrarySetting = "MILLPOND_3FS_USRBIO";
constexpr const char* kPatienceSetting = "MILLPOND_3FS_USRBIO_TIMEOUT";
constexpr const char* kMountsSetting = "MILLPOND_3FS_MOUNTS";
constexpr const char* kLibrary = "libhf3fs_api_shared.so";
constexpr std::chrono::seconds kPatience{120};

struct MountRings {
  std::string folder;
  std::shared_ptr<UsrbioPool> pool;
};

// What the environment says, to notice when it says something else. Read only when a session begins or by the first path after
// it, since others may change the environment meanwhile.
struct Settings {
  std::optional<std::string> library, patience, mounts;
  bool operator==(const Settings&) const = default;

  static Settings now() {
    const auto text = [](const char* name) {
      const char* const value = std::getenv(name);
      return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
    };
    return {text(kLibrarySetting), text(kPatienceSetting), text(kMountsSetting)};
  }
};

bool is_below(const std::string& path, const std::string& folder) {
  if (folder == "/") return path.starts_with('/');
  return path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/';
}

// How 3FS calls the mount that holds `folder`; empty when it knows of none.
std::string mount_point_of(const UsrbioLibrary& library, const std::string& folder) {
  char name[sizeof(usrbio::Buffer::mount_point)] = {};
  try {
    const int length = library.extract_mount_point(name, sizeof(name), folder.c_str());
    return length > 0 && length <= static_cast<int>(sizeof(name)) ? name : "";
  } catch (const std::exception&) {
    return "";
  }
}

void close_at_exit();

/// The rings of this process: made when the first path is asked about, and anew for a session with other settings.
class ProcessRings {
 public:
  void begin_session() {
    if (::getpid() != process_) return;
    std::lock_guard lock(mutex_);
    // What was not there may be there by now.
    if (state_ == kNone || Settings::now() != settings_) state_ = kUnknown;
  }

  std::shared_ptr<UsrbioPool> pool_of(const std::string& path) {
    if (state_ == kNone || ::getpid() != process_) return nullptr;
    std::lock_guard lock(mutex_);
    if (state_ == kUnknown) {
      make(Settings::now());
      state_ = mounts_.empty() ? kNone : kMade;
    }
    for (const MountRings& mount : mounts_) {
      if (is_below(path, mount.folder)) return mount.pool;
    }
    return nullptr;
  }

  std::vector<std::string> take_warnings() {
    if (::getpid() != process_) return {};
    std::lock_guard lock(mutex_);
    return std::exchange(warnings_, {});
  }

  void close() {
    if (::getpid() != process_) return;
    std::lock_guard lock(mutex_);
    for (const MountRings& mount : mounts_) mount.pool->close();
  }

 private:
  void warn(const std::string& what) {
    const std::string text =
        "files on 3FS are read through the kernel: " + what + "; MILLPOND_3FS_USRBIO=off says so without a warning";
    if (warned_.insert(text).second) warnings_.push_back(text);
  }

  enum State { kUnknown, kNone, kMade };

  void make(const Settings& settings) {
    settings_ = settings;
    mounts_.clear();
    if (settings.library == "off") return;
    const Result<std::vector<Mount3fs>> mounts = mounts_3fs();
    if (!mounts.is_ok() || mounts->empty()) return;
    const Result<UsrbioLibrary> library = load_usrbio(settings.library.value_or(kLibrary));
    if (!library.is_ok()) {
      // A machine that has no such library, and where nobody asked for one, is nothing to warn of.
      const bool is_missed = settings.library.has_value() || library.status().code() != StatusCode::kNotFound;
      if (is_missed) warn(library.status().message());
      return;
    }
    close_at_exit();
    for (const Mount3fs& mount : *mounts) add(*library, mount.folder);
  }

  void add(const UsrbioLibrary& library, const std::string& folder) {
    struct stat info{};
    if (::stat(folder.c_str(), &info) != 0) return;
    const std::string mount_point = mount_point_of(library, folder);
    if (mount_point.empty()) return warn("its library knows no mount at \"" + folder + "\"");
    Result<std::shared_ptr<UsrbioPool>> pool = UsrbioPool::create(library, mount_point, patience());
    if (!pool.is_ok()) return warn(pool.status().message());
    mounts_.push_back({folder, std::move(pool).value()});
  }

  std::chrono::milliseconds patience() {
    if (!settings_.patience) return kPatience;
    char* end = nullptr;
    const double seconds = std::strtod(settings_.patience->c_str(), &end);
    if (*end == '\0' && seconds >= 0.001 && seconds < 1e6) {
      return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
    }
    const std::string text =
        std::string(kPatienceSetting) + " is no number of seconds: \"" + *settings_.patience + "\"; 120 are taken";
    if (warned_.insert(text).second) warnings_.push_back(text);
    return kPatience;
  }

  const pid_t process_ = ::getpid();
  std::mutex mutex_;
  // Changed under the lock. Each file that is opened asks for it, mostly on machines without 3FS.
  std::atomic<State> state_ = kUnknown;
  Settings settings_;
  std::vector<MountRings> mounts_;
  std::vector<std::string> warnings_;
  std::set<std::string> warned_;
};

// Never destroyed, since threads may read until the very end.
ProcessRings& rings() {
  static ProcessRings* const instance = new ProcessRings;
  return *instance;
}

// The lanes that are free then are given back. Called once the library is loaded, so that it is still there: what comes later
// ends earlier.
void close_at_exit() {
  struct AtExit {
    ~AtExit() { rings().close(); }
  };
  static const AtExit at_exit;
}

}  // namespace

void begin_usrbio_session() { rings().begin_session(); }

bool is_read_by_usrbio(const std::string& path) { return rings().pool_of(path) != nullptr; }

std::unique_ptr<ReadableFile> open_by_usrbio_of_mount(UniqueFd& fd, const std::string& path, std::int64_t size) {
  std::shared_ptr<UsrbioPool> pool = rings().pool_of(path);
  return pool != nullptr ? open_by_usrbio(std::move(pool), fd, path, size) : nullptr;
}

std::vector<std::string> take_usrbio_warnings() { return rings().take_warnings(); }

}  // namespace millpond
