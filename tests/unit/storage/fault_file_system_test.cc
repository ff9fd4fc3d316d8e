#include "storage/fault_file_system.h"

#include <sys/wait.h>
#include <unistd.h>

#include "catch.hpp"
#include "storage/file_content.h"
#include "temporary_directory.h"

namespace millpond {
namespace {

FaultPlan plan(const std::string& text) {
  auto result = FaultPlan::parse(text);
  REQUIRE(result.is_ok());
  return *result;
}

}  // namespace

TEST_CASE("plans are written as text") {
  CHECK(plan("io_error@17").at_call == 17);
  CHECK_FALSE(plan("io_error@17").is_sticky);
  CHECK(plan("out_of_space@0+").is_sticky);
  CHECK(plan("short_write~0.25/42").probability == 0.25);
  CHECK(plan("short_write~0.25/42").seed == 42);
  CHECK(plan("kill_after@3").fault == Fault::kKillAfter);
  for (const char* bad :
       {"", "io_error", "io_error@", "io@1", "io_error@x", "io_error@1x", "io_error~2", "@1", "io_error@1+x"}) {
    INFO(bad);
    CHECK(FaultPlan::parse(bad).status().code() == StatusCode::kInvalidArgument);
  }
}

TEST_CASE("the planned call fails and is marked in the log") {
  TemporaryDirectory directory;
  FaultFileSystem files(local_file_system());
  files.set_plan(plan("out_of_space@1"));
  CHECK_FALSE(write_file(files, directory / "a", "x").is_ok());  // remove_file, create
  CHECK(files.calls() == 2);
  CHECK(files.faults() == 1);
  CHECK(files.log()[1] == "1! create " + (directory / "a.new"));
  CHECK(write_file(files, directory / "a", "x").is_ok());

  files.set_plan(plan("short_write@2"));
  CHECK(write_file(files, directory / "b", "1234567890").code() == StatusCode::kOutOfSpace);
  CHECK(directory.read("b.new") == "12345");

  files.set_plan(plan("lost_rename@0"));
  CHECK(files.rename_no_replace(directory / "a", directory / "c").is_ok());
  CHECK(directory.exists("a"));

  files.set_plan(plan("stop@1"));
  CHECK(files.stat(directory / "a").is_ok());
  CHECK(files.stat(directory / "a").status().code() == StatusCode::kIoError);
  CHECK(files.stat(directory / "a").status().code() == StatusCode::kIoError);

  files.set_plan(plan("io_error~0.5/1"));
  for (int i = 0; i < 1000; ++i) (void)files.stat(directory / "a");
  CHECK(files.faults() > 400);
  CHECK(files.faults() < 600);
}

TEST_CASE("a kill ends the process before or after the call") {
  TemporaryDirectory directory;
  for (const char* text : {"kill_before@3", "kill_after@3"}) {
    const pid_t child = ::fork();
    if (child == 0) {
      FaultFileSystem files(local_file_system());
      files.set_plan(*FaultPlan::parse(text));
      for (int i = 0; i < 10; ++i) (void)files.make_directories(directory / (text + std::to_string(i)), 0700);
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 137);
    CHECK(directory.exists(std::string(text) + "2"));
    CHECK(directory.exists(std::string(text) + "3") == (text == std::string("kill_after@3")));
  }
}

TEST_CASE("a power cut takes what was not synced") {
  TemporaryDirectory directory;
  FaultFileSystem files(local_file_system());
  directory.write("old", "old");
  directory.write("tree/x", "1");
  directory.write("other/x", "2");

  SECTION("nothing was") {
    REQUIRE(write_file(files, directory / "old", "new").is_ok());
    REQUIRE(write_file(files, directory / "fresh", "new").is_ok());
    REQUIRE(files.exchange(directory / "tree", directory / "other").is_ok());
    REQUIRE(files.rename_no_replace(directory / "tree", directory / "moved").is_ok());
    files.power_cut();
    CHECK(directory.read("old") == "old");
    CHECK_FALSE(directory.exists("fresh"));
    CHECK_FALSE(directory.exists("moved"));
    CHECK(directory.read("tree/x") == "1");
    CHECK(directory.read("other/x") == "2");
  }
  SECTION("the names only") {
    auto file = files.create(directory / "fresh");
    REQUIRE((*file)->write_at(0, std::as_bytes(std::span("abc", 3))).is_ok());
    REQUIRE(files.sync_directory(directory.path()).is_ok());
    files.power_cut();
    CHECK(directory.exists("fresh"));
    CHECK(directory.read("fresh").empty());
  }
  SECTION("all was") {
    REQUIRE(write_file(files, directory / "old", "new").is_ok());
    REQUIRE(files.rename_no_replace(directory / "tree", directory / "moved").is_ok());
    REQUIRE(files.sync_directory(directory.path()).is_ok());
    files.power_cut();
    CHECK(directory.read("old") == "new");
    CHECK(directory.read("moved/x") == "1");
  }
  SECTION("a file in a folder that was renamed durably") {
    REQUIRE((*files.create(directory / "tree/fresh"))->close().is_ok());
    REQUIRE(files.rename_no_replace(directory / "tree", directory / "moved").is_ok());
    REQUIRE(files.sync_directory(directory.path()).is_ok());
    files.power_cut();
    CHECK(directory.read("moved/x") == "1");
    CHECK_FALSE(directory.exists("moved/fresh"));
  }
}

}  // namespace millpond
