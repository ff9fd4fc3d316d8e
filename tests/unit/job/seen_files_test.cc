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

TEST_CASE("a file of another tag is a new one, and one that was recorded before there were tags is not") {
  TemporaryDirectory directory;
  const auto tagged = [](const std::string& path, const std::string& tag) {
    FileSlice slice = file(path);
    slice.tag = tag;
    return slice;
  };
  const std::string journal = directory.path() + "/.new_only/load/journal";
  REQUIRE(local_file_system()->make_directories(directory.path() + "/.new_only/load").is_ok());
  {
    auto old = Journal::open(local_file_system(), journal, Json::object({{"new_only", "load"}, {"version", 1}}));
    REQUIRE(old.is_ok());
    const Json entry = Json::array({"s3://b/a", 1, 1});
    REQUIRE(old->journal->append(Json::object({{"event", "seen"}, {"files", Json::array({entry})}})).is_ok());
    REQUIRE(old->journal->append(Json::object({{"event", "begin"}, {"job", "sunday"}})).is_ok());
  }
  {
    const auto seen = open_seen(directory, "monday");
    CHECK(taken(*seen, {tagged("s3://b/a", "x"), tagged("s3://b/b", "x")}) == Paths{"s3://b/b"});
    REQUIRE(seen->finish({0}).is_ok());
  }
  CHECK(read_journal(*local_file_system(), journal)->header.int_or("version", 0) == 2);
  const auto seen = open_seen(directory, "tuesday");
  CHECK(taken(*seen, {tagged("s3://b/b", "x")}).empty());
  CHECK(taken(*seen, {tagged("s3://b/b", "y")}) == Paths{"s3://b/b"});
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
