#include "job/seen_files.h"

#include "catch.hpp"
#include "temporary_directory.h"

namespace millpond {
namespace {

FileSlice file(const std::string& path, std::int64_t size = 1, std::int64_t mtime_ns = 1) {
  FileSlice slice;
  slice.path = path;
  slice.size = size;
  slice.mtime_ns = mtime_ns;
  return slice;
}

std::unique_ptr<SeenFiles> open_seen(const TemporaryDirectory& directory, const std::string& job_id) {
  auto seen = SeenFiles::open(local_file_system(), directory.path(), "load", job_id);
  INFO(seen.status().to_string());
  REQUIRE(seen.is_ok());
  return std::move(seen).value();
}

std::vector<std::string> taken(SeenFiles& seen, const std::vector<FileSlice>& found) {
  auto read = seen.take_new(found);
  REQUIRE(read.is_ok());
  std::vector<std::string> paths;
  for (const FileSlice& one : read->files) paths.push_back(one.path);
  return paths;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("files are new until a read of them is finished") {
  TemporaryDirectory directory;
  {
    const auto seen = open_seen(directory, "monday");
    CHECK(taken(*seen, {file("/a"), file("/b")}) == Paths{"/a", "/b"});
    CHECK(taken(*seen, {file("/c")}) == Paths{"/c"});
    REQUIRE(seen->finish({0}).is_ok());
    CHECK(taken(*seen, {file("/a"), file("/c")}) == Paths{"/c"});
  }
  const auto seen = open_seen(directory, "tuesday");
  CHECK(taken(*seen, {file("/a"), file("/b", 2), file("/c")}) == Paths{"/b", "/c"});
  CHECK(taken(*seen, {file("/a", 1, 0)}) == Paths{"/a"});
}

TEST_CASE("a job that did not finish reads the same files again, however often") {
  TemporaryDirectory directory;
  CHECK(taken(*open_seen(directory, "load-7"), {file("/a")}) == Paths{"/a"});
  (void)open_seen(directory, "load-7");  // Dies before it reads.
  CHECK(taken(*open_seen(directory, "load-7"), {file("/a"), file("/b")}) == Paths{"/a"});
  SECTION("and then what came since") {
    const auto seen = open_seen(directory, "load-7");
    CHECK(taken(*seen, {file("/a"), file("/b")}) == Paths{"/a"});
    REQUIRE(seen->finish({0}).is_ok());
    CHECK(taken(*seen, {file("/a"), file("/b")}) == Paths{"/b"});
  }
  SECTION("but all that are new where one of them has changed or gone") {
    CHECK(taken(*open_seen(directory, "load-7"), {file("/a", 9), file("/b")}) == Paths{"/a", "/b"});
  }
  SECTION("another job reads all that are new") {
    CHECK(taken(*open_seen(directory, "load-8"), {file("/a"), file("/b")}) == Paths{"/a", "/b"});
  }
}

TEST_CASE("a name is read by one session at a time") {
  TemporaryDirectory directory;
  const auto seen = open_seen(directory, "one");
  const auto other = SeenFiles::open(local_file_system(), directory.path(), "load", "two");
  CHECK(other.status().code() == StatusCode::kConflict);
  CHECK(SeenFiles::open(local_file_system(), directory.path(), "other", "two").is_ok());
}

TEST_CASE("a record that is damaged says what to do") {
  TemporaryDirectory directory;
  (void)open_seen(directory, "one");
  directory.write(".new_only/load/journal", "no journal");
  const auto seen = SeenFiles::open(local_file_system(), directory.path(), "load", "two");
  CHECK(seen.status().code() == StatusCode::kDataCorrupt);
  CHECK(seen.status().to_string().find("all files are then new") != std::string::npos);
}

}  // namespace millpond
