#pragma once

#include <cstdint>
#include <string>

namespace millpond {

/// Cores this process may use: its affinity mask, cut to the cgroup's quota. At least 1.
std::int64_t usable_cores();

/// Bytes of memory this process may use: the machine's, cut to the smallest limit of its cgroup and the groups above it
/// (version 1 and 2).
std::int64_t usable_memory();

/// The same with other roots for /proc and /sys/fs/cgroup, for tests. -1 when no group sets a limit.
std::int64_t cgroup_memory_limit(const std::string& proc_self_cgroup, const std::string& cgroup_root);
double cgroup_cpu_limit(const std::string& proc_self_cgroup, const std::string& cgroup_root);

}  // namespace millpond
