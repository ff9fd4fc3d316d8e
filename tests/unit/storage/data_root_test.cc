#include "storage/data_root.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <filesystem>

#include "catch.hpp"
#include "storage/unique_fd.h"
#include "temporary_directory.h"

namespace millpond {
namespace {

/// The folder's attributes; 0 where the file system has none.
int attributes(const std::string& path) {
  const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int flags = 0;
  return ::ioctl(folder.get(), FS_IOC_GETFLAGS, &flags) == 0 ? flags : 0;
}

/// Hints as far as the file system knows them.
void hint_by_hand(const std::string& path) {
  const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int flags = attributes(path) | FS_TOPDIR_FL;
  (void)::ioctl(folder.get(), FS_IOC_SETFLAGS, &flags);
}

}  // namespace

TEST_CASE("a new data_root is private, and its jobs are spread over the disk where that can be said") {
  TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "by_hand");
  hint_by_hand(directory / "by_hand");
  REQUIRE(prepare_data_root(directory / "new/root").is_ok());
  CHECK(attributes(directory / "new/root") == attributes(directory / "by_hand"));
  CHECK(std::filesystem::status(directory / "new/root").permissions() == std::filesystem::perms::owner_all);
}

TEST_CASE("a data_root that was there keeps its attributes") {
  TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "old");
  const int before = attributes(directory / "old");
  REQUIRE(prepare_data_root(directory / "old").is_ok());
  CHECK(attributes(directory / "old") == before);
}

TEST_CASE("a data_root that others may write to is refused") {
  TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "open");
  REQUIRE(::chmod((directory / "open").c_str(), 0777) == 0);
  CHECK(prepare_data_root(directory / "open").code() == StatusCode::kPermissionDenied);
}

}  // namespace millpond
