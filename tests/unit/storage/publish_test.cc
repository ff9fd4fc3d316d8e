#include "storage/publish.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "catch.hpp"
#include "publish_sample.h"
#include "storage/fault_file_system.h"
#include "storage/file_content.h"
#include "temporary_directory.h"

namespace millpond {

using namespace publish_sample;

TEST_CASE("a folder is published whole, with the user's modes, and nothing is left beside it") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  const mode_t before = ::umask(022);
  auto manifest = run(files, directory, {.text = "one"});
  ::umask(before);
  REQUIRE(manifest.is_ok());
  CHECK(manifest->files.size() == 2);
  CHECK(manifest->files[1] == ManifestFile{"p=1/b", 1, 3, ""});
  CHECK(look(directory) == output_of({.text = "one"}));
  CHECK(leftovers(directory).empty());
  for (const auto& [name, mode] :
       {std::pair{"out", 0755U}, {"out/p=1", 0755U}, {"out/a", 0644U}, {"out/p=1/b", 0644U}}) {
    struct stat info{};
    REQUIRE(::stat((directory / name).c_str(), &info) == 0);
    CHECK((info.st_mode & 07777U) == mode);
  }
}

TEST_CASE("modes: error, overwrite, append, and the same write again") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  const Write one{.text = "one"}, two{.text = "two"};
  REQUIRE(run(files, directory, one).is_ok());
  CHECK(run(files, directory, one).is_ok());
  const Status refused = run(files, directory, two).status();
  CHECK(refused.code() == StatusCode::kAlreadyExists);
  CHECK(refused.hint().find("mode=\"overwrite\"") != std::string::npos);
  CHECK(look(directory) == output_of(one));

  const Write over{.text = "three", .mode = PublishMode::kOverwrite};
  REQUIRE(run(files, directory, over).is_ok());
  CHECK(look(directory) == output_of(over));
  CHECK(run(files, directory, one).status().code() == StatusCode::kAlreadyExists);

  const Write more{.text = "four", .mode = PublishMode::kAppend};
  REQUIRE(run(files, directory, more).is_ok());
  REQUIRE(run(files, directory, more).is_ok());
  CHECK(look(directory) == both(output_of(over), output_of(more)));
  CHECK(leftovers(directory).empty());

  directory.write("out/a", "changed");
  CHECK(run(files, directory, over).is_ok());  // No longer what it wrote: written again.
  CHECK(look(directory) == output_of(over));
}

TEST_CASE("targets of other kinds") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  std::filesystem::create_directory(directory / "empty");
  CHECK(run(files, directory, {.text = "x", .target = "empty"}).is_ok());
  CHECK(look(directory, "empty") == output_of({.text = "x"}));

  directory.write("file", "x");
  CHECK(run(files, directory, {.text = "x", .target = "file"}).status().code() == StatusCode::kAlreadyExists);
  CHECK(run(files, directory, {.text = "x", .mode = PublishMode::kOverwrite, .target = "file"}).status().code() ==
        StatusCode::kInvalidArgument);
  CHECK(run(files, directory, {.text = "x", .mode = PublishMode::kAppend, .target = "file"}).status().code() ==
        StatusCode::kInvalidArgument);
  CHECK(run(files, directory, {.text = "x", .mode = PublishMode::kOverwrite, .single_file = true, .target = "empty"})
            .status()
            .code() == StatusCode::kInvalidArgument);
  CHECK(run(files, directory, {.text = "x", .mode = PublishMode::kAppend, .single_file = true}).status().code() ==
        StatusCode::kInvalidArgument);
  CHECK(run(files, directory, {.text = "x", .mode = PublishMode::kAppend, .target = "new"}).is_ok());
  const Write odd{.text = "x", .job = "job \"/ü*", .target = std::string(250, 'n')};
  CHECK(run(files, directory, odd).is_ok());
  CHECK(run(files, directory, odd).is_ok());
  for (const bool single_file : {false, true}) {
    const std::string name = single_file ? "slash-file/" : "slash/";
    CHECK(run(files, directory, {.text = "1", .single_file = single_file, .target = name}).is_ok());
    CHECK(run(files, directory, {.text = "1", .single_file = single_file, .target = name}).is_ok());
    CHECK(run(files, directory,
              {.text = "2", .mode = PublishMode::kOverwrite, .single_file = single_file, .target = name})
              .is_ok());
  }
  CHECK(run(files, directory, {.text = "3", .mode = PublishMode::kAppend, .target = "slash/"}).is_ok());
  CHECK(look(directory, "slash").size() == 4);
  CHECK(directory.read("slash-file") == "2");
  CHECK(leftovers(directory).empty());
}

TEST_CASE("a single file is published and replaced whole") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  const Write one{.text = "one", .single_file = true};
  REQUIRE(run(files, directory, one).is_ok());
  CHECK(directory.read("out") == "one");
  CHECK(run(files, directory, one).is_ok());
  CHECK(run(files, directory, {.text = "two", .single_file = true}).status().code() == StatusCode::kAlreadyExists);
  REQUIRE(run(files, directory, {.text = "six", .mode = PublishMode::kOverwrite, .single_file = true}).is_ok());
  CHECK(directory.read("out") == "six");
  CHECK(run(files, directory, one).status().code() == StatusCode::kAlreadyExists);
  directory.write("out", "sax");  // The same size but another content.
  CHECK_FALSE(find_published(files, directory / "out", "fingerprint of six", true)->has_value());
  std::size_t hidden = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    hidden += entry.path().filename().string()[0] == '.';
  }
  CHECK(hidden == 1);
}

TEST_CASE("an overwrite notices that the target changed since it was observed") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  REQUIRE(run(files, directory, {.text = "old"}).is_ok());
  const Write write{.text = "new", .mode = PublishMode::kOverwrite};
  PublishRequest request = request_of(directory, write);
  request.observed = *observe_target(files, request.target);
  REQUIRE(run(files, directory, {.text = "other", .mode = PublishMode::kOverwrite}).is_ok());
  REQUIRE(stage(files, write, request).is_ok());
  CHECK(publish(files, request).status().code() == StatusCode::kConflict);
  CHECK(look(directory) == output_of({.text = "other"}));
  CHECK(leftovers(directory).empty());

  request.observed = *observe_target(files, request.target);
  REQUIRE(stage(files, write, request).is_ok());
  CHECK(publish(files, request).is_ok());
  CHECK(look(directory) == output_of(write));
}

TEST_CASE("an overwrite that finds another's data in its hand gives it back") {
  TemporaryDirectory directory;
  REQUIRE(run(*local_file_system(), directory, {.text = "old"}).is_ok());
  FaultFileSystem files(local_file_system());
  bool is_first = true;
  files.set_hook([&](const std::string& call) {
    if (call.rfind("exchange", 0) != 0 || !std::exchange(is_first, false)) return;
    REQUIRE(run(*local_file_system(), directory, {.text = "other", .mode = PublishMode::kOverwrite}).is_ok());
  });
  const Write write{.text = "new", .mode = PublishMode::kOverwrite};
  PublishRequest request = request_of(directory, write);
  request.observed = *observe_target(files, request.target);
  REQUIRE(stage(files, write, request).is_ok());
  CHECK(publish(files, request).status().code() == StatusCode::kConflict);
  CHECK(look(directory) == output_of({.text = "other"}));
  CHECK(leftovers(directory).empty());
}

TEST_CASE("a write that is computed anew does not publish files of the earlier try") {
  for (const PublishMode mode : {PublishMode::kError, PublishMode::kAppend}) {
    TemporaryDirectory directory;
    FaultFileSystem files(local_file_system());
    const Write old{.text = "old"}, write{.text = "new", .mode = mode};
    if (mode == PublishMode::kAppend) REQUIRE(run(files, directory, old).is_ok());
    PublishRequest request = request_of(directory, write);
    REQUIRE(stage(files, write, request).is_ok());
    bool is_dead = false;
    files.set_hook([&](const std::string& call) {  // Dies when the second file goes to the target, or the folder does.
      const bool is_last =
          call.find("-> " + (directory / (mode == PublishMode::kAppend ? "out/p=1/" : "out"))) != std::string::npos;
      if (!is_last || std::exchange(is_dead, true)) return;
      files.set_plan(*FaultPlan::parse("stop@0"));
    });
    CHECK_FALSE(publish(files, request).is_ok());
    REQUIRE(is_dead);
    files.set_hook({});
    files.set_plan(std::nullopt);

    request.files.resize(1);  // This time it is one file, of another name and content.
    request.files[0].file.name = "c-new";
    request.files[0].file.num_bytes = 5;
    REQUIRE(files.remove_tree(request.staging + "/attempts").is_ok());
    REQUIRE(stage(files, {.text = "newer"}, request).is_ok());
    REQUIRE(publish(files, request).is_ok());
    std::map<std::string, std::string> expected = {{"c-new", "newer"}};
    if (mode == PublishMode::kAppend) expected = both(expected, output_of(old));
    CHECK(look(directory) == expected);
    CHECK(directory.exists("out/p=1") == (mode == PublishMode::kAppend));
  }
}

TEST_CASE("what a swap put in the staging folder is never taken for what was written") {
  TemporaryDirectory directory;
  FaultFileSystem files(local_file_system());
  REQUIRE(run(files, directory, {.text = "old"}).is_ok());
  const Write write{.text = "new", .mode = PublishMode::kOverwrite};
  const PublishRequest request = request_of(directory, write);
  REQUIRE(stage(files, write, request).is_ok());
  files.set_hook([&](const std::string& call) {
    if (call.rfind("exchange", 0) == 0) files.set_plan(*FaultPlan::parse("stop@1"));  // Dies after the swap.
  });
  CHECK_FALSE(publish(files, request).is_ok());
  files.set_hook({});
  files.set_plan(std::nullopt);
  REQUIRE(look(directory) == output_of(write));
  // Another job replaces it; the staging folder now holds "old" under the names of "new".
  REQUIRE(run(files, directory, {.text = "big", .mode = PublishMode::kOverwrite}).is_ok());
  CHECK(publish(files, request).status().code() == StatusCode::kDataCorrupt);
  CHECK(look(directory) == output_of({.text = "big"}));
}

TEST_CASE("of writers to one target one wins and nothing is mixed") {
  for (const PublishMode mode : {PublishMode::kError, PublishMode::kOverwrite, PublishMode::kAppend}) {
    for (const bool single_file : {false, true}) {
      if (single_file && mode == PublishMode::kAppend) continue;
      for (int round = 0; round < 30; ++round) {
        TemporaryDirectory directory;
        constexpr int kWriters = 4;
        std::atomic<int> ready{0}, won{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < kWriters; ++t) {
          threads.emplace_back([&, t] {
            FileSystem& files = *local_file_system();
            const Write write{.text = "writer " + std::to_string(t),
                              .mode = mode,
                              .single_file = single_file,
                              .job = "job" + std::to_string(t)};
            PublishRequest request = request_of(directory, write);
            request.observed = TargetState{};
            if (mode == PublishMode::kAppend) request.observed.reset();
            if (!stage(files, write, request).is_ok()) return;
            ++ready;
            while (ready < kWriters) std::this_thread::yield();
            const StatusCode code = publish(files, request).status().code();
            won += code == StatusCode::kOk;
            if (code != StatusCode::kOk && code != StatusCode::kAlreadyExists && code != StatusCode::kConflict)
              won += 100;
          });
        }
        for (auto& thread : threads) thread.join();
        const auto seen = look(directory);
        if (mode == PublishMode::kAppend) {
          CHECK(won == kWriters);
          CHECK(seen.size() == 2 * kWriters);
        } else {
          CHECK(won == 1);
          bool is_one = false;
          for (int t = 0; t < kWriters; ++t) {
            is_one = is_one || seen == output_of({.text = "writer " + std::to_string(t), .single_file = single_file});
          }
          CHECK(is_one);
        }
        CHECK(leftovers(directory).empty());
      }
    }
  }
}

TEST_CASE("a reader sees the old or the new all the time") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  REQUIRE(run(files, directory, {.text = "0"}).is_ok());
  std::atomic<bool> stop{false};
  std::atomic<int> mixed{0}, reads{0};
  std::thread reader([&] {
    while (!stop) {
      // Both files through one opened folder: a path would be looked up twice.
      const int fd = ::open((directory / "out").c_str(), O_RDONLY | O_DIRECTORY);
      if (fd < 0) {
        ++mixed;
        continue;
      }
      const std::string base = "/proc/self/fd/" + std::to_string(fd);
      auto a = read_file(*local_file_system(), base + "/a");
      auto b = read_file(*local_file_system(), base + "/p=1/b");
      ::close(fd);
      // The old folder is removed soon after; only two whole files count.
      if (!a.is_ok() || !b.is_ok()) continue;
      ++reads;
      if (*a != *b) ++mixed;
    }
  });
  for (int i = 1; i <= 100; ++i) {
    REQUIRE(run(files, directory, {.text = std::to_string(i), .mode = PublishMode::kOverwrite}).is_ok());
  }
  stop = true;
  reader.join();
  CHECK(mixed == 0);
  CHECK(reads > 0);
}

TEST_CASE("clean-up takes only what is dead and of this job") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  const std::string live = staging_directory(directory / "out", "job", "live");
  auto lease = prepare_staging(files, directory / "out", live);
  REQUIRE(lease.is_ok());
  CHECK(prepare_staging(files, directory / "out", live).status().code() == StatusCode::kConflict);
  const std::string dead = staging_directory(directory / "out", "job", "dead");
  const std::string kept = staging_directory(directory / "out", "job", "kept");
  const std::string other = staging_directory(directory / "out", "job-2", "dead");
  const std::string another_target = staging_directory(directory / "out2", "job", "dead");
  for (const std::string& path : {dead, kept, other, another_target})
    REQUIRE(files.make_directories(path + "/attempts", 0700).is_ok());
  directory.write(".out.millpond-job-notes", "x");
  REQUIRE(remove_stale(files, directory / "out", "job", kept).is_ok());
  CHECK_FALSE(files.stat(dead).is_ok());
  for (const std::string& path : {live, kept, other, another_target}) CHECK(files.stat(path).is_ok());
  CHECK(directory.exists(".out.millpond-job-notes"));
  CHECK(remove_stale(files, directory / "nowhere/out", "job").is_ok());
}

TEST_CASE("the folders above a target are made with the user's mode, the staging folder is private") {
  TemporaryDirectory directory;
  const mode_t before = ::umask(022);
  const std::string staging = staging_directory(directory / "x/y/out", "job", "f");
  auto lease = prepare_staging(*local_file_system(), directory / "x/y/out", staging);
  ::umask(before);
  REQUIRE(lease.is_ok());
  struct stat info{};
  REQUIRE(::stat((directory / "x").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0755);
  REQUIRE(::stat(staging.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0700);
}

}  // namespace millpond
