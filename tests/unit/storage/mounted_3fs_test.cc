#include "storage/mounted_3fs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "storage/local_path.h"
#include "storage/remove_tree.h"
#include "temporary_directory.h"

namespace millpond {
namespace {

struct MountsSetting {
  explicit MountsSetting(const std::string& value) { ::setenv("MILLPOND_3FS_MOUNTS", value.c_str(), 1); }
  ~MountsSetting() { ::unsetenv("MILLPOND_3FS_MOUNTS"); }
};

}  // namespace

TEST_CASE("3FS mounts are found among the kernel's") {
  const auto mounts = mounts_3fs_in(
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
      "90 22 0:50 / /mnt/with\\040space rw,nosuid - fuse.hf3fs hf3fs.stage rw,user_id=0\n"
      "91 22 0:51 / /3fs/prod/ rw,nosuid shared:7 master:2 - fuse.hf3fs hf3fs.prod rw,user_id=0\n"
      "92 22 0:51 /part /elsewhere rw - fuse.hf3fs hf3fs.prod rw\n"
      "93 22 0:51 / /again rw - fuse.hf3fs hf3fs.prod rw\n"
      "94 22 0:52 / /other rw - fuse.sshfs hf3fs.no rw\n"
      "95 22 0:53 / /strange rw - fuse.hf3fs something rw\n"
      "broken line\n");
  CHECK(mounts == std::vector<Mount3fs>{{"stage", "/mnt/with space"}, {"prod", "/3fs/prod"}});
  CHECK(mounts_3fs_in("").empty());
}

TEST_CASE("3FS mounts are told by a setting") {
  CHECK(*mounts_3fs_told("a=/mnt/a,b=/x=y/") == std::vector<Mount3fs>{{"a", "/mnt/a"}, {"b", "/x=y"}});
  CHECK(mounts_3fs_told("")->empty());
  for (const char* broken : {"a", "=/mnt", "a=", "a=mnt", "a=/mnt,,b=/x"}) {
    INFO(broken);
    CHECK(mounts_3fs_told(broken).status().code() == StatusCode::kInvalidArgument);
  }
}

TEST_CASE("an address of 3FS is a path below its mount") {
  const std::vector<Mount3fs> one = {{"stage", "/mnt/stage"}};
  const std::vector<Mount3fs> two = {{"stage", "/mnt/stage"}, {"prod", "/"}};
  const auto at = [](const std::string& text, const std::vector<Mount3fs>& mounts) {
    return path_on_3fs(*parse_uri(text), mounts);
  };
  CHECK(*at("3fs://stage/a/b*.parquet", one) == "/mnt/stage/a/b*.parquet");
  CHECK(*at("3FS://stage", one) == "/mnt/stage");
  CHECK(*at("3fs:///a/%41..b", one) == "/mnt/stage/a/%41..b");
  CHECK(*at("3fs://prod/a", two) == "/a");
  CHECK(*at("3fs://prod", two) == "/");

  CHECK(at("3fs:///a", two).status().code() == StatusCode::kInvalidArgument);
  CHECK(at("3fs:///a", two).status().hint().find("3fs://stage/, 3fs://prod/") != std::string::npos);
  CHECK(at("3fs://stage/a/../../b", one).status().code() == StatusCode::kInvalidArgument);
  CHECK(at("3fs:///..", one).status().code() == StatusCode::kInvalidArgument);
  CHECK(at("3fs://stage/a", {}).status().code() == StatusCode::kUnsupported);
  // Somebody who left out a slash is told so.
  CHECK(at("3fs://data/a", one).status().code() == StatusCode::kInvalidArgument);
  CHECK(at("3fs://data/a", one).status().hint().find("\"3fs:///data/a\"") != std::string::npos);
  CHECK(at("3fs://data", two).status().hint().find("\"3fs://stage/data\"") != std::string::npos);
}

TEST_CASE("a folder on 3FS is handed over to be removed") {
  TemporaryDirectory root;
  const std::string folder = root.path() + "/job";
  const std::string removals = root.path() + "/3fs-virt/rm-rf";
  std::filesystem::create_directories(folder + "/below");
  std::ofstream(folder + "/below/file") << "x";
  std::filesystem::create_directories(removals);
  const MountsSetting setting("stage=" + root.path());
  CHECK(*readable_path("3fs:///job") == folder);
  CHECK(*local_path("3fs://stage/job") == folder);

  const UniqueFd parent(::open(root.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto moved = hand_over_tree_3fs(parent.get(), "job");
  REQUIRE(moved.has_value());
  CHECK(!std::filesystem::exists(folder));
  CHECK(std::filesystem::exists(removals + "/" + moved->name + "/below/file"));
  CHECK(!hand_over_tree_3fs(parent.get(), "job").has_value());

  // A link is not followed, and a folder that only looks like 3FS's keeps nothing.
  std::filesystem::create_directory_symlink(removals, root.path() + "/link");
  CHECK(!hand_over_tree_3fs(parent.get(), "link").has_value());
  CHECK(!remove_local_tree(root.path() + "/link").is_ok());
  std::filesystem::create_directories(folder + "/below");
  const auto kept = [&] { return std::distance(std::filesystem::directory_iterator(removals), {}); };
  REQUIRE(remove_local_tree(folder).is_ok());
  CHECK(!std::filesystem::exists(folder));
  CHECK(kept() == 1);

  // Without that folder, file by file.
  std::filesystem::remove_all(root.path() + "/3fs-virt");
  std::filesystem::create_directories(folder + "/below");
  REQUIRE(remove_local_tree(folder).is_ok());
  CHECK(!std::filesystem::exists(folder));
}

}  // namespace millpond
