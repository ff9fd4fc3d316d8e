#include "base/machine.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "catch.hpp"

namespace millpond {
namespace {

/// A made-up /proc and /sys/fs/cgroup.
class FakeGroups {
 public:
  FakeGroups() {
    std::string name = (std::filesystem::temp_directory_path() / "millpond_groups_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
  }
  ~FakeGroups() { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::int64_t memory() const { return cgroup_memory_limit(root_ + "/self", root_); }
  double cpu() const { return cgroup_cpu_limit(root_ + "/self", root_); }

 private:
  std::string root_;
};

TEST_CASE("this process may use at least a core and some memory") {
  CHECK(usable_cores() >= 1);
  CHECK(usable_memory() > (std::int64_t{1} << 20));
}

TEST_CASE("the smallest limit on the way up counts, in version 2") {
  FakeGroups groups;
  groups.write("/self", "0::/a/b\n");
  CHECK(groups.memory() == -1);
  groups.write("/a/b/memory.max", "max\n");
  groups.write("/a/memory.max", "1000000\n");
  groups.write("/a/b/cpu.max", "150000 100000\n");
  CHECK(groups.memory() == 1000000);
  CHECK(groups.cpu() == 1.5);
  groups.write("/a/b/cpu.max", "max 100000\n");
  CHECK(groups.cpu() == -1);
}

TEST_CASE("the smallest limit on the way up counts, in version 1") {
  FakeGroups groups;
  groups.write("/self", "5:cpu,cpuacct:/x\n4:memory:/x\n0::/\n");
  groups.write("/memory/memory.limit_in_bytes", "9223372036854771712\n");
  CHECK(groups.memory() == -1);
  groups.write("/memory/x/memory.limit_in_bytes", "2000000\n");
  groups.write("/cpu/x/cpu.cfs_quota_us", "50000\n");
  groups.write("/cpu/x/cpu.cfs_period_us", "100000\n");
  CHECK(groups.memory() == 2000000);
  CHECK(groups.cpu() == 0.5);
}

TEST_CASE("in a container, whose groups show at the root, the root counts") {
  FakeGroups groups;
  groups.write("/self", "4:memory:/outside/name\n");
  groups.write("/memory/memory.limit_in_bytes", "3000000\n");
  CHECK(groups.memory() == 3000000);
}

}  // namespace
}  // namespace millpond
