#include "job/kept_results.h"

#include <filesystem>

#include "catch.hpp"
#include "temporary_directory.h"

namespace millpond {
namespace {

/// A store, and kept results of one file each.
class Fixture {
 public:
  explicit Fixture(std::int64_t quota) {
    auto opened = ResultStore::open(local_file_system(), directory.path(), "duckdb-2");
    REQUIRE(opened.is_ok());
    store = std::move(opened).value();
    kept = std::make_unique<KeptResults>(local_file_system(), *store, quota);
  }

  std::string path(const std::string& name) const { return directory / name + "/rows.exchange"; }

  void add(const std::string& name, std::size_t size, bool is_repeatable = true) {
    directory.write(name + "/rows.exchange", std::string(size, 'x'));
    const auto num_bytes = static_cast<std::int64_t>(size);
    TaskResult result;
    result.directory = directory / name;
    OutputFile file;
    file.path = "rows.exchange";
    file.num_bytes = num_bytes;
    result.files = {file};
    REQUIRE(store->put("task " + name, result).is_ok());
    SegmentSlice segment;
    segment.path = path(name);
    kept->keep(name, {{{segment}}, {}});
    kept->add_outputs({{"task " + name, path(name), num_bytes, is_repeatable}});
  }

  bool has_files(const std::string& name) const { return std::filesystem::exists(path(name)); }

  TemporaryDirectory directory;
  std::unique_ptr<ResultStore> store;
  std::unique_ptr<KeptResults> kept;
};

}  // namespace

TEST_CASE("within the quota everything stays") {
  Fixture fixture(100);
  fixture.add("a", 50);
  fixture.add("b", 50);
  fixture.kept->make_room();
  CHECK(fixture.kept->find("a") != nullptr);
  CHECK(fixture.kept->num_bytes() == 100);
}

TEST_CASE("what was used longest ago goes first, with its files and its record") {
  Fixture fixture(100);
  fixture.add("a", 50);
  fixture.add("b", 50);
  REQUIRE(fixture.kept->find("a") != nullptr);
  fixture.add("c", 50);
  fixture.kept->make_room();
  CHECK(fixture.kept->find("a") != nullptr);
  CHECK(fixture.kept->find("b") == nullptr);
  CHECK_FALSE(fixture.has_files("b"));
  CHECK_FALSE(fixture.store->find("task b").has_value());
  CHECK(fixture.store->find("task a").has_value());
  CHECK(fixture.kept->num_bytes() == 100);
}

TEST_CASE("what somebody holds stays until it is let go") {
  Fixture fixture(10);
  fixture.add("a", 50);
  KeptResultPtr held = fixture.kept->find("a");
  fixture.kept->make_room();
  CHECK(fixture.has_files("a"));
  held.reset();
  fixture.kept->make_room();
  CHECK_FALSE(fixture.has_files("a"));
  CHECK(fixture.kept->num_bytes() == 0);
}

TEST_CASE("what can't be made again as it was stays") {
  Fixture fixture(10);
  fixture.add("random", 50, false);
  fixture.kept->make_room();
  CHECK(fixture.kept->find("random") != nullptr);
}

TEST_CASE("no quota, no limit") {
  Fixture fixture(0);
  fixture.add("a", 5000);
  fixture.kept->make_room();
  CHECK(fixture.kept->find("a") != nullptr);
}

TEST_CASE("a result whose file has gone is forgotten") {
  Fixture fixture(0);
  fixture.add("a", 5);
  std::filesystem::remove(fixture.path("a"));
  CHECK(fixture.kept->find("a") == nullptr);
  CHECK(fixture.kept->find("a") == nullptr);
}

TEST_CASE("a file that can't be read takes its results and its record along") {
  Fixture fixture(0);
  fixture.add("a", 5);
  fixture.add("b", 5);
  CHECK_FALSE(fixture.kept->forget_file("/elsewhere"));
  CHECK(fixture.kept->forget_file(fixture.path("a")));
  CHECK_FALSE(fixture.kept->forget_file(fixture.path("a")));
  CHECK(fixture.kept->find("a") == nullptr);
  CHECK(fixture.kept->find("b") != nullptr);
  CHECK_FALSE(fixture.has_files("a"));
  CHECK_FALSE(fixture.store->find("task a").has_value());
}

TEST_CASE("a record that was made anew elsewhere is not dropped with the old files") {
  Fixture fixture(1);
  fixture.add("a", 50);
  TaskResult again;
  again.directory = fixture.directory / "again";
  REQUIRE(fixture.store->put("task a", again).is_ok());
  fixture.kept->make_room();
  CHECK_FALSE(fixture.has_files("a"));
  CHECK(fixture.store->find("task a") == again);
}

}  // namespace millpond
