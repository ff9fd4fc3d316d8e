#include "base/machine.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace millpond {
namespace {

constexpr char kSelf[] = "/proc/self/cgroup";
constexpr char kRoot[] = "/sys/fs/cgroup";

// A limit that nobody set: "max", or in version 1 a number near 2^63.
constexpr std::int64_t kUnlimited = std::int64_t{1} << 60;

std::optional<std::int64_t> first_number(const std::string& path) {
  std::ifstream file(path);
  std::int64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

struct Group {
  std::string folder;  // Where its files lie.
  bool is_v2 = false;
};

// The groups of this process for `controller`, the innermost first. In a container the path in /proc may name a folder that
// is only visible outside; its files are then at the root, which is always looked at.
std::vector<Group> groups_of(const std::string& proc_self_cgroup, const std::string& root, std::string_view controller) {
  std::vector<Group> groups;
  std::ifstream file(proc_self_cgroup);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool is_v2 = names == ",,";
    if (!is_v2 && names.find("," + std::string(controller) + ",") == std::string::npos) continue;
    std::string path = line.substr(second + 1);
    const std::string top = is_v2 ? root : root + "/" + std::string(controller);
    while (path.size() > 1) {
      groups.push_back({top + path, is_v2});
      path.resize(path.rfind('/') == 0 ? 1 : path.rfind('/'));
    }
    groups.push_back({top, is_v2});
  }
  return groups;
}

std::optional<double> cpu_limit_of(const Group& group) {
  if (group.is_v2) {
    std::ifstream file(group.folder + "/cpu.max");
    double quota = 0;
    double period = 0;
    if (!(file >> quota >> period) || period <= 0) return std::nullopt;
    return quota / period;
  }
  const auto quota = first_number(group.folder + "/cpu.cfs_quota_us");
  const auto period = first_number(group.folder + "/cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

}  // namespace

std::int64_t cgroup_memory_limit(const std::string& proc_self_cgroup, const std::string& cgroup_root) {
  std::int64_t limit = kUnlimited;
  for (const Group& group : groups_of(proc_self_cgroup, cgroup_root, "memory")) {
    const auto value = first_number(group.folder + (group.is_v2 ? "/memory.max" : "/memory.limit_in_bytes"));
    if (value && *value > 0) limit = std::min(limit, *value);
  }
  return limit == kUnlimited ? -1 : limit;
}

double cgroup_cpu_limit(const std::string& proc_self_cgroup, const std::string& cgroup_root) {
  double limit = -1;
  for (const Group& group : groups_of(proc_self_cgroup, cgroup_root, "cpu")) {
    const auto value = cpu_limit_of(group);
    if (value && (limit < 0 || *value < limit)) limit = *value;
  }
  return limit;
}

std::int64_t usable_cores() {
  std::int64_t cores = std::max(1U, std::thread::hardware_concurrency());
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0 && CPU_COUNT(&mask) > 0) cores = CPU_COUNT(&mask);
  const double quota = cgroup_cpu_limit(kSelf, kRoot);
  if (quota > 0) cores = std::min(cores, static_cast<std::int64_t>(std::ceil(quota)));
  return std::max<std::int64_t>(cores, 1);
}

std::int64_t usable_memory() {
  const std::int64_t pages = sysconf(_SC_PHYS_PAGES);
  const std::int64_t page = sysconf(_SC_PAGE_SIZE);
  std::int64_t bytes = pages > 0 && page > 0 ? pages * page : std::int64_t{4} << 30;
  const std::int64_t limit = cgroup_memory_limit(kSelf, kRoot);
  return limit > 0 ? std::min(bytes, limit) : bytes;
}

}  // namespace millpond
