#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "storage/file_system.h"
#include "temporary_directory.h"

namespace millpond {
namespace {

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text.data(), text.size())); }

unsigned mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

std::string read_all(FileSystem& files, const std::string& path) {
  auto file = files.open(path);
  REQUIRE(file.is_ok());
  std::string text(100, '\0');
  auto size = (*file)->read_at(0, std::as_writable_bytes(std::span(text.data(), text.size())));
  REQUIRE(size.is_ok());
  text.resize(*size);
  return text;
}

}  // namespace

TEST_CASE("a new file is private, exclusive and may be written in any order") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  auto file = files.create(directory / "a");
  REQUIRE(file.is_ok());
  CHECK((*file)->write_at(5, bytes("world")).is_ok());
  CHECK((*file)->write_at(0, bytes("hello")).is_ok());
  CHECK((*file)->sync().is_ok());
  CHECK((*file)->close().is_ok());
  CHECK((*file)->close().is_ok());
  CHECK((*file)->write_at(0, bytes("late")).code() == StatusCode::kInternal);
  CHECK(mode_of(directory / "a") == 0600);
  CHECK(read_all(files, directory / "a") == "helloworld");

  const Status again = files.create(directory / "a").status();
  CHECK(again.code() == StatusCode::kAlreadyExists);
  CHECK(again.context().file == directory / "a");

  REQUIRE(::symlink("elsewhere", (directory / "link").c_str()) == 0);
  CHECK(files.create(directory / "link").status().code() == StatusCode::kAlreadyExists);
  CHECK_FALSE(directory.exists("elsewhere"));
}

TEST_CASE("a read past the end is short") {
  TemporaryDirectory directory;
  directory.write("a", "0123456789");
  FileSystem& files = *local_file_system();
  auto file = files.open(directory / "a");
  REQUIRE(file.is_ok());
  std::array<std::byte, 8> buffer{};
  CHECK(*(*file)->read_at(2, buffer) == 8);
  CHECK(*(*file)->read_at(6, buffer) == 4);
  CHECK(*(*file)->read_at(10, buffer) == 0);
  CHECK(*(*file)->read_at(1000, buffer) == 0);
  CHECK((*file)->read_at(-1, buffer).status().code() == StatusCode::kInvalidArgument);
  CHECK((*file)->info()->size == 10);
}

TEST_CASE("appending goes to the end, whatever the offset") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  for (const char* text : {"one ", "two "}) {
    auto file = files.open_append(directory / "log");
    REQUIRE(file.is_ok());
    CHECK((*file)->write_at(0, bytes(text)).is_ok());
    CHECK((*file)->write_at(0, bytes(text)).is_ok());
  }
  CHECK(directory.read("log") == "one one two two ");
}

TEST_CASE("errors name the path and carry the right code") {
  TemporaryDirectory directory;
  directory.write("file", "x");
  directory.write("full/a", "x");
  FileSystem& files = *local_file_system();
  const std::string missing = directory / "missing";
  struct Case {
    const char* what;
    Status status;
    StatusCode code;
    std::string path;
  };
  const Case cases[] = {
      {"stat", files.stat(missing).status(), StatusCode::kNotFound, missing},
      {"stat below a file", files.stat(directory / "file/x").status(), StatusCode::kNotFound, directory / "file/x"},
      {"list", files.list(missing).status(), StatusCode::kNotFound, missing},
      {"open", files.open(missing).status(), StatusCode::kNotFound, missing},
      {"open a folder", files.open(directory / "full").status(), StatusCode::kInvalidArgument, directory / "full"},
      {"open a device", files.open("/dev/null").status(), StatusCode::kUnsupported, "/dev/null"},
      {"create below nothing", files.create(missing + "/a").status(), StatusCode::kNotFound, missing + "/a"},
      {"make below a file", files.make_directories(directory / "file/x"), StatusCode::kAlreadyExists, "file"},
      {"make where nothing can be made", files.make_directories("/proc/nothing/x/y"), StatusCode::kNotFound, "/proc/nothing"},
      {"make over a file", files.make_directories(directory / "file"), StatusCode::kAlreadyExists, "file"},
      {"rename", files.rename_no_replace(missing, directory / "b"), StatusCode::kNotFound, missing},
      {"rename over", files.rename_no_replace(directory / "file", directory / "full"), StatusCode::kAlreadyExists,
       "full"},
      {"swap", files.exchange(missing, directory / "file"), StatusCode::kNotFound, missing},
      {"sync", files.sync_directory(missing), StatusCode::kNotFound, missing},
      {"remove a folder as a file", files.remove_file(directory / "full"), StatusCode::kInvalidArgument, "full"},
      {"remove a file as a tree", files.remove_tree(directory / "file"), StatusCode::kInvalidArgument, "file"},
      {"remove dots", files.remove_tree(directory / "full/.."), StatusCode::kInvalidArgument, ".."},
      {"empty path", files.stat("").status(), StatusCode::kInvalidArgument, "empty"},
      {"zero byte", files.create(std::string("/tmp/a\0b", 8)).status(), StatusCode::kInvalidArgument, "zero byte"},
      {"long name", files.create(directory / std::string(300, 'x')).status(), StatusCode::kInvalidArgument, "xxx"},
      {"full disk", (*files.open_append("/dev/full"))->write_at(0, bytes("12345")), StatusCode::kOutOfSpace, "5 bytes"},
  };
  for (const Case& test : cases) {
    INFO(test.what << ": " << test.status.to_string());
    CHECK(test.status.code() == test.code);
    CHECK(test.status.message().find(test.path) != std::string::npos);
  }
}

TEST_CASE("folders are made with their parents and listed in order") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  CHECK(files.make_directories(directory / "a/b/c").is_ok());
  CHECK(files.make_directories(directory / "a/b/c/").is_ok());
  CHECK(mode_of(directory / "a") == 0700);
  directory.write("a/z", "12");
  directory.write("a/ü \"x\"\n", "");
  REQUIRE(::symlink("nowhere", (directory / "a/dangling").c_str()) == 0);
  auto entries = files.list(directory / "a");
  REQUIRE(entries.is_ok());
  REQUIRE(entries->size() == 4);
  CHECK((*entries)[0].path == directory / "a/b");
  CHECK((*entries)[0].is_directory);
  CHECK((*entries)[1].path == directory / "a/dangling");
  CHECK((*entries)[2].path == directory / "a/z");
  CHECK((*entries)[2].size == 2);
  CHECK((*entries)[3].path == directory / "a/ü \"x\"\n");
}

TEST_CASE("a tree is removed without following links") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  directory.write("victim/keep", "x");
  directory.write("tree/a/b/c", "x");
  REQUIRE(::symlink((directory / "victim").c_str(), (directory / "tree/a/link").c_str()) == 0);
  REQUIRE(::symlink((directory / "victim").c_str(), (directory / "outer").c_str()) == 0);
  CHECK(files.remove_tree(directory / "tree").is_ok());
  CHECK_FALSE(directory.exists("tree"));
  CHECK(files.remove_tree(directory / "tree").is_ok());
  CHECK(files.remove_tree(directory / "outer").code() == StatusCode::kInvalidArgument);
  CHECK(files.remove_tree(directory / "outer/").code() == StatusCode::kInvalidArgument);
  CHECK(directory.exists("victim/keep"));
}

TEST_CASE("a folder that is swapped for a link while it is removed does not lead out") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  directory.write("victim/keep", "x");
  REQUIRE(::symlink((directory / "victim").c_str(), (directory / "link").c_str()) == 0);
  std::atomic<bool> stop{false};
  std::thread attacker([&] {
    while (!stop) (void)files.exchange(directory / "link", directory / "tree/a");
  });
  for (int round = 0; round < 300; ++round) {
    (void)files.make_directories(directory / "tree/a/b");
    (void)files.remove_tree(directory / "tree");
  }
  stop = true;
  attacker.join();
  CHECK(directory.exists("victim/keep"));
}

TEST_CASE("renames replace, refuse or swap") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  directory.write("a", "a");
  directory.write("b", "b");
  CHECK(files.rename_no_replace(directory / "a", directory / "b").code() == StatusCode::kAlreadyExists);
  CHECK(files.exchange(directory / "a", directory / "b").is_ok());
  CHECK(directory.read("a") == "b");
  CHECK(files.rename_replace(directory / "a", directory / "b").is_ok());
  CHECK(directory.read("b") == "b");
  CHECK(files.rename_no_replace(directory / "b", directory / "c").is_ok());
  CHECK(files.remove_file(directory / "c").is_ok());
  CHECK(files.remove_file(directory / "c").is_ok());
  directory.write("old/x", "old");
  directory.write("new/x", "new");
  CHECK(files.exchange(directory / "old", directory / "new").is_ok());
  CHECK(directory.read("old/x") == "new");
}

TEST_CASE("published files get the user's default mode") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  const mode_t before = ::umask(027);
  REQUIRE((*files.create(directory / "a"))->close().is_ok());
  REQUIRE(files.make_directories(directory / "d").is_ok());
  CHECK(files.apply_default_mode(directory / "a").is_ok());
  CHECK(files.apply_default_mode(directory / "d").is_ok());
  ::umask(before);
  CHECK(mode_of(directory / "a") == 0640);
  CHECK(mode_of(directory / "d") == 0750);
}

}  // namespace millpond
