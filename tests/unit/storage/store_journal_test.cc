#include "storage/store_journal.h"

#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "memory_store.h"
#include "storage/files_by_scheme.h"

namespace millpond {
namespace {

const std::string kFolder = "s3://bucket/job/journal";
const Json kHeader = Json::object({{"engine", "v1"}});

Json record(int number) { return Json::object({{"n", number}}); }

struct World {
  std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
  std::shared_ptr<FileSystem> files = files_by_scheme(local_file_system(), store);

  Result<Journal::Opened> open() { return Journal::open(files, kFolder, kHeader); }
};

}  // namespace

TEST_CASE("a journal on a store gives back its header and records") {
  World world;
  for (int run = 0; run < 3; ++run) {
    auto opened = world.open();
    REQUIRE(opened.is_ok());
    CHECK(opened->content.header.string_or("engine", "") == "v1");
    REQUIRE(opened->content.records.size() == static_cast<std::size_t>(run * 10));
    for (int i = 0; i < run * 10; ++i) CHECK(opened->content.records[static_cast<std::size_t>(i)] == record(i));
    for (int i = 0; i < 10; ++i) REQUIRE(opened->journal->append(record(run * 10 + i)).is_ok());
    // The last run is not asked to send what it has: closing does.
    if (run < 2) CHECK(opened->journal->sync().is_ok());
  }
  CHECK(world.open()->content.records.size() == 30);
}

TEST_CASE("who opens a journal on a store takes it away from who had it") {
  World world;
  auto first = world.open();
  REQUIRE(first.is_ok());
  REQUIRE(first->journal->append(record(0)).is_ok());
  REQUIRE(first->journal->sync().is_ok());
  auto second = world.open();
  REQUIRE(second.is_ok());
  CHECK(second->content.records.size() == 1);
  (void)first->journal->append(record(1));
  CHECK(first->journal->sync().code() == StatusCode::kConflict);
  CHECK(first->journal->append(record(2)).code() == StatusCode::kConflict);
  REQUIRE(second->journal->append(record(3)).is_ok());
  CHECK(second->journal->sync().is_ok());
  const auto third = world.open();
  REQUIRE(third.is_ok());
  CHECK(third->content.records == std::vector<Json>{record(0), record(3)});
}

TEST_CASE("a sync without records finds out who has the journal") {
  World world;
  auto first = world.open();
  CHECK(first->journal->sync().is_ok());
  const auto second = world.open();
  CHECK(first->journal->sync().code() == StatusCode::kConflict);
  CHECK(second->journal->sync().is_ok());
}

TEST_CASE("many objects of a journal become one") {
  World world;
  const int count = 100;
  {
    auto opened = world.open();
    for (int i = 0; i < count; ++i) {
      REQUIRE(opened->journal->append(record(i)).is_ok());
      REQUIRE(opened->journal->sync().is_ok());
    }
  }
  for (int run = 0; run < 2; ++run) CHECK(world.open()->content.records.size() == count);
  // One checkpoint, of the first opening, whose number and the second's follow. How many there are before it is not known: a
  // record that is sent before its sync is asked for makes one object more.
  std::vector<std::string> checkpoints;
  for (const auto& [path, object] : world.store->objects()) {
    if (path.find("/checkpoint-") != std::string::npos) checkpoints.push_back(path);
  }
  REQUIRE(checkpoints.size() == 1);
  const std::size_t begin = world.store->objects().size() - 1 - 2;
  CHECK(begin > count);
  CHECK(std::stoul(checkpoints.front().substr(checkpoints.front().rfind('-') + 1)) == begin);
  // What the checkpoint holds is not read again; the numbers stay taken.
  CHECK(world.store->objects().contains(kFolder + "/000000000050"));
  world.store->put(kFolder + "/000000000050", "damaged");
  CHECK(world.open()->content.records.size() == count);
}

TEST_CASE("an object of a journal that is gone or damaged is told") {
  World world;
  {
    auto opened = world.open();
    for (int i = 0; i < 3; ++i) {
      REQUIRE(opened->journal->append(record(i)).is_ok());
      REQUIRE(opened->journal->sync().is_ok());
    }
  }
  const std::string path = kFolder + "/000000000002";
  std::string content = world.store->objects()[path].content;
  SECTION("gone") { world.store->objects().erase(path); }
  SECTION("cut") { world.store->put(path, content.substr(0, content.size() - 1)); }
  SECTION("changed") {
    content.back() = static_cast<char>(content.back() ^ 1);
    world.store->put(path, content);
  }
  CHECK(world.open().status().code() == StatusCode::kDataCorrupt);
}

TEST_CASE("an answer that is lost loses no record and takes no number twice") {
  for (int n = 0; n < 6; ++n) {
    for (const MemoryStore::Fault fault : {MemoryStore::Fault::kBefore, MemoryStore::Fault::kAfter, MemoryStore::Fault::kRace}) {
      World world;
      auto opened = world.open();
      REQUIRE(opened.is_ok());
      world.store->fail_at(n, fault);
      for (int i = 0; i < 3; ++i) {
        REQUIRE(opened->journal->append(record(i)).is_ok());
        REQUIRE(opened->journal->sync().is_ok());
      }
      world.store->heal();
      opened->journal.reset();
      CHECK(world.open()->content.records == std::vector<Json>{record(0), record(1), record(2)});
    }
  }
}

}  // namespace millpond
