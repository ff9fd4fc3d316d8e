#include "job/write_commit.h"

#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "temporary_directory.h"

namespace millpond {
namespace {

struct Fixture {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  std::unique_ptr<ResultStore> store;
  StageWrite write;
  WriteJob job{"nightly", "0123456789abcdef0123456789abcdef", {}};

  explicit Fixture(WriteFilesOptions options = {}) {
    REQUIRE(files.make_directories(directory / "job").is_ok());
    auto opened = ResultStore::open(local_file_system(), directory / "job", "engine");
    REQUIRE(opened.is_ok());
    store = std::move(opened).value();
    write = {directory / "out", std::move(options)};
  }

  /// A task that wrote files of so many rows each.
  TaskResult task(const std::string& attempt, const std::vector<std::pair<std::string, std::int64_t>>& written) {
    TaskResult result;
    result.directory = staging_directory(write.path, job.job_id, job.fingerprint) + "/attempts/" + attempt;
    for (const auto& [name, rows] : written) {
      const std::filesystem::path path = result.directory + "/" + name;
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path) << attempt;
      result.files.push_back({name, static_cast<std::int64_t>(attempt.size()), rows, "", {}});
    }
    return result;
  }

  /// Begins and commits; the names of what lies in the output then, with rows.
  std::vector<std::string> committed(const std::vector<TaskResult>& results) {
    auto begun = open_write(files, write, job);
    INFO(begun.status().to_string());
    REQUIRE(begun.is_ok());
    auto done = commit_write(files, *store, write, job, results);
    INFO(done.status().to_string());
    REQUIRE(done.is_ok());
    std::vector<std::string> names;
    for (const OutputFile& file : *done) {
      CHECK(files.stat(file.path).is_ok());
      names.push_back(file.path.substr(directory.path().size() + 1) + ":" + std::to_string(file.num_rows));
    }
    return names;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("files get the numbers of their partitions' order, and empty ones none") {
  Fixture fixture;
  const auto one = fixture.task("a1", {{"x.parquet", 5}});
  const auto two = fixture.task("a2", {{"y.parquet", 0}});
  const auto three = fixture.task("a3", {{"z.parquet", 7}, {"z2.parquet", 1}});
  CHECK(fixture.committed({one, two, three}) ==
        Names{"out/part-00000.parquet:5", "out/part-00001.parquet:7", "out/part-00002.parquet:1"});
}

TEST_CASE("an output without rows has one file that holds its columns") {
  Fixture fixture;
  const auto one = fixture.task("a1", {{"x.parquet", 0}});
  const auto two = fixture.task("a2", {{"y.parquet", 0}});
  CHECK(fixture.committed({one, two}) == Names{"out/part-00000.parquet:0"});
}

TEST_CASE("empty files are written when asked for") {
  WriteFilesOptions options;
  options.write_empty_files = true;
  Fixture fixture(options);
  const auto one = fixture.task("a1", {{"x.parquet", 0}});
  const auto two = fixture.task("a2", {{"y.parquet", 3}});
  CHECK(fixture.committed({one, two}) == Names{"out/part-00000.parquet:0", "out/part-00001.parquet:3"});
}

TEST_CASE("folders of keys stay, and so does the whole ending of a name") {
  Fixture fixture;
  const auto one = fixture.task("a1", {{"p=a%2Fb/x.csv.gz", 2}, {"p=.../x.csv.gz", 2}});
  CHECK(fixture.committed({one}) == Names{"out/p=a%2Fb/part-00000.csv.gz:2", "out/p=.../part-00001.csv.gz:2"});
}

TEST_CASE("one file has the output's own name") {
  WriteFilesOptions options;
  options.single_file = true;
  Fixture fixture(options);
  const auto one = fixture.task("a1", {{"x.parquet", 5}});
  CHECK(fixture.committed({one}) == Names{"out:5"});
}

TEST_CASE("appended files can't meet those of another write") {
  WriteFilesOptions options;
  options.mode = WriteMode::kAppend;
  Fixture fixture(options);
  const auto one = fixture.task("a1", {{"x.parquet", 5}});
  CHECK(fixture.committed({one}) == Names{"out/part-00000-0123456789abcdef.parquet:5"});
}

TEST_CASE("a write that is done says so; another one to the same path is refused") {
  Fixture fixture;
  const auto one = fixture.task("a1", {{"x.parquet", 5}});
  fixture.committed({one});
  auto done = check_write(fixture.files, fixture.write, fixture.job);
  REQUIRE(done.is_ok());
  REQUIRE(done->has_value());
  CHECK(done->value().front().num_rows == 5);
  WriteJob other = fixture.job;
  other.fingerprint = "f" + other.fingerprint.substr(1);
  CHECK(check_write(fixture.files, fixture.write, other).status().code() == StatusCode::kAlreadyExists);
}

TEST_CASE("two drivers don't work on one write at once") {
  Fixture fixture;
  auto begun = open_write(fixture.files, fixture.write, fixture.job);
  REQUIRE(begun.is_ok());
  CHECK(open_write(fixture.files, fixture.write, fixture.job).status().code() == StatusCode::kConflict);
}

TEST_CASE("what an unfinished write has staged is removed") {
  Fixture fixture;
  {
    auto begun = open_write(fixture.files, fixture.write, fixture.job);
    REQUIRE(begun.is_ok());
    fixture.task("a1", {{"x.parquet", 5}});
  }
  CHECK(discard_write(fixture.files, fixture.write, fixture.job).is_ok());
  CHECK(discard_write(fixture.files, fixture.write, fixture.job).is_ok());
  const std::filesystem::path folder = fixture.directory.path();
  CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 1);
}

}  // namespace millpond
