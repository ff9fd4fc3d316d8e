#include "storage/mounted_3fs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "storage/parent_path.h"

namespace millpond {
namespace {

constexpr const char* kSetting = "MILLPOND_3FS_MOUNTS";
constexpr std::string_view kSource = "hf3fs.";
// Where 3FS takes requests that no system call is there for.
constexpr const char* kRemovals = "/3fs-virt/rm-rf";

const char* setting() { return std::getenv(kSetting); }

// Spaces and the like are written as \040.
std::string unescaped(const std::string& text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && std::all_of(&text[i + 1], &text[i + 4], is_octal)) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

void add(std::vector<Mount3fs>& mounts, std::string cluster, std::string folder) {
  const auto is_same = [&](const Mount3fs& mount) { return mount.cluster == cluster; };
  if (std::none_of(mounts.begin(), mounts.end(), is_same)) {
    mounts.push_back({std::move(cluster), trimmed_path(std::move(folder))});
  }
}

std::string listed(const std::vector<Mount3fs>& mounts) {
  std::string text;
  for (const Mount3fs& mount : mounts) text += (text.empty() ? "3fs://" : ", 3fs://") + mount.cluster + "/";
  return text;
}

Status no_such_cluster(const Uri& uri, const std::vector<Mount3fs>& mounts) {
  const std::string path = uri.path.empty() ? "" : "/" + uri.path;
  return Status::invalid_argument(
      "\"" + uri.to_string() + "\": no 3FS cluster \"" + uri.authority + "\" is mounted on this machine",
      "mounted: " + listed(mounts) + "; if \"" + uri.authority + "\" is a folder, did you mean \"3fs://" +
          (mounts.size() == 1 ? "" : mounts.front().cluster) + "/" + uri.authority + path + "\"?");
}

bool leaves_its_cluster(const std::string& path) {
  std::istringstream parts(path);
  for (std::string part; std::getline(parts, part, '/');) {
    if (part == "..") return true;
  }
  return false;
}

// Only what lies there can be one: nothing is asked about other file systems.
bool may_be_3fs(int folder) {
  struct statfs info{};
  return setting() != nullptr || (::fstatfs(folder, &info) == 0 && info.f_type == FUSE_SUPER_MAGIC);
}

}  // namespace

std::vector<Mount3fs> mounts_3fs_in(const std::string& mountinfo) {
  std::vector<Mount3fs> mounts;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    // "36 35 98:0 /root /mount/point rw,… optional fields - type source options"
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream before(line.substr(0, dash)), behind(line.substr(dash + 3));
    std::string id, parent, device, root, folder, type, source;
    before >> id >> parent >> device >> root >> folder;
    behind >> type >> source;
    source = unescaped(source);
    if (type != "fuse.hf3fs" || root != "/" || source.substr(0, kSource.size()) != kSource) continue;
    add(mounts, source.substr(kSource.size()), unescaped(folder));
  }
  return mounts;
}

Result<std::vector<Mount3fs>> mounts_3fs_told(const std::string& setting) {
  std::vector<Mount3fs> mounts;
  std::istringstream entries(setting);
  for (std::string entry; std::getline(entries, entry, ',');) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0 || entry.substr(equals + 1, 1) != "/") {
      return Status::invalid_argument(std::string(kSetting) + " holds \"" + entry + "\", which names no mount",
                                      "write it as \"cluster=/mount/point\", several with commas between");
    }
    add(mounts, entry.substr(0, equals), entry.substr(equals + 1));
  }
  return mounts;
}

Result<std::vector<Mount3fs>> mounts_3fs() {
  if (const char* told = setting()) return mounts_3fs_told(told);
  std::ifstream file("/proc/self/mountinfo");
  std::ostringstream content;
  content << file.rdbuf();
  return mounts_3fs_in(content.str());
}

Result<std::string> path_on_3fs(const Uri& uri, const std::vector<Mount3fs>& mounts) {
  const std::string text = uri.to_string();
  if (mounts.empty()) {
    return Status::unsupported("\"" + text + "\": no 3FS is mounted on this machine",
                               std::string("mount it, or say where it is mounted: ") + kSetting +
                                   "=\"cluster=/mount/point\"");
  }
  if (leaves_its_cluster(uri.path)) {
    return Status::invalid_argument("\"" + text + "\" leads out of its cluster", "write the path without \"..\"");
  }
  if (uri.authority.empty() && mounts.size() > 1) {
    return Status::invalid_argument("\"" + text + "\" could be on several clusters", "mounted: " + listed(mounts));
  }
  for (const Mount3fs& mount : mounts) {
    if (uri.authority.empty() || mount.cluster == uri.authority) {
      return uri.path.empty() ? mount.folder : (mount.folder == "/" ? "" : mount.folder) + "/" + uri.path;
    }
  }
  return no_such_cluster(uri, mounts);
}

std::optional<HandedOver3fs> hand_over_tree_3fs(int parent, const std::string& name) {
  if (!may_be_3fs(parent)) return std::nullopt;
  const Result<std::vector<Mount3fs>> mounts = mounts_3fs();
  struct stat folder{}, root{};
  if (!mounts.is_ok() || ::fstatat(parent, name.c_str(), &folder, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  if (!S_ISDIR(folder.st_mode)) return std::nullopt;
  for (const Mount3fs& mount : *mounts) {
    if (::stat(mount.folder.c_str(), &root) != 0 || root.st_dev != folder.st_dev) continue;
    UniqueFd removals(::open((mount.folder + kRemovals).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // What is moved there is removed. By descriptors: a link made there would be followed by its path, which others may
    // change.
    std::string there = "millpond-" + uuid4();
    if (removals.is_valid() && ::renameat(parent, name.c_str(), removals.get(), there.c_str()) == 0) {
      return HandedOver3fs{std::move(removals), std::move(there)};
    }
  }
  return std::nullopt;
}

}  // namespace millpond
