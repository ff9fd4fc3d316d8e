#include "storage/journal.h"

#include <thread>

#include "catch.hpp"
#include "storage/fault_file_system.h"
#include "temporary_directory.h"

namespace millpond {
namespace {

const Json kHeader = Json::object({{"engine", "v1"}});

Json record(int number) {
  return Json::object({{"n", number}, {"text", std::string(static_cast<std::size_t>(number % 50), 'x')}});
}

std::string write_sample(const TemporaryDirectory& directory, int records) {
  auto opened = Journal::open(local_file_system(), directory / "journal", kHeader);
  REQUIRE(opened.is_ok());
  for (int i = 0; i < records; ++i) REQUIRE(opened->journal->append(record(i)).is_ok());
  REQUIRE(opened->journal->sync().is_ok());
  return directory.read("journal");
}

}  // namespace

TEST_CASE("a journal gives back its header and records") {
  TemporaryDirectory directory;
  CHECK(read_journal(*local_file_system(), directory / "journal").status().code() == StatusCode::kNotFound);
  write_sample(directory, 100);
  auto opened = Journal::open(local_file_system(), directory / "journal", Json::object({{"engine", "v2"}}));
  REQUIRE(opened.is_ok());
  CHECK(opened->content.header == kHeader);
  REQUIRE(opened->content.records.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(opened->content.records[static_cast<std::size_t>(i)] == record(i));
  CHECK_FALSE(opened->content.is_torn);
  REQUIRE(opened->journal->append(record(100)).is_ok());
  CHECK(read_journal(*local_file_system(), directory / "journal")->records.size() == 101);
}

TEST_CASE("a journal cut anywhere keeps its whole records") {
  TemporaryDirectory directory;
  const std::string whole = write_sample(directory, 5);
  std::size_t most = 0;
  for (std::size_t size = whole.size(); size-- > 0;) {
    directory.write("journal", whole.substr(0, size));
    auto content = read_journal(*local_file_system(), directory / "journal");
    if (!content.is_ok()) {
      CHECK(content.status().code() == StatusCode::kDataCorrupt);  // The header itself is cut, which never happens.
      CHECK(size < 100);
      continue;
    }
    most = std::max(most, content->records.size());
    for (std::size_t i = 0; i < content->records.size(); ++i)
      REQUIRE(content->records[i] == record(static_cast<int>(i)));
    auto opened = Journal::open(local_file_system(), directory / "journal", kHeader);
    REQUIRE(opened.is_ok());
    REQUIRE(opened->content.is_torn == content->is_torn);
    REQUIRE(opened->journal->append(record(77)).is_ok());
    auto again = read_journal(*local_file_system(), directory / "journal");
    REQUIRE(again.is_ok());
    REQUIRE_FALSE(again->is_torn);
    REQUIRE(again->records.size() == content->records.size() + 1);
    REQUIRE(again->records.back() == record(77));
  }
  CHECK(most == 4);
}

TEST_CASE("a flipped bit before the last record is noticed") {
  TemporaryDirectory directory;
  const std::string whole = write_sample(directory, 4);
  const std::size_t last = whole.size() - record(3).dump().size() - 16;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    directory.write("journal", damaged);
    auto content = read_journal(*local_file_system(), directory / "journal");
    INFO("byte " << at);
    if (at >= 12 && at < 16) continue;  // Kept for later versions.
    if (at < last) {
      const StatusCode expected = at >= 8 && at < 12 ? StatusCode::kUnsupported : StatusCode::kDataCorrupt;
      CHECK(content.status().code() == expected);
      CHECK(content.status().message().find(directory / "journal") != std::string::npos);
    } else {
      REQUIRE(content.is_ok());
      CHECK(content->is_torn);
      CHECK(content->records.size() == 3);
    }
  }
}

TEST_CASE("a torn end of zeros or noise is dropped") {
  TemporaryDirectory directory;
  const std::string whole = write_sample(directory, 3);
  for (const std::string& end : {std::string(5000, '\0'), std::string("noise"), std::string(1, '\0')}) {
    directory.write("journal", whole + end);
    auto content = read_journal(*local_file_system(), directory / "journal");
    REQUIRE(content.is_ok());
    CHECK(content->is_torn);
    CHECK(content->records.size() == 3);
  }
  for (const std::string& other : {std::string(), std::string("PAR1"), std::string(64, '\0')}) {
    directory.write("journal", other);
    CHECK(read_journal(*local_file_system(), directory / "journal").status().code() == StatusCode::kDataCorrupt);
  }
}

TEST_CASE("what was appended before a fault at any call is there afterwards") {
  for (const char* fault : {"io_error", "out_of_space", "short_write", "stop"}) {
    for (int n = 0;; ++n) {
      TemporaryDirectory directory;
      auto files = std::make_shared<FaultFileSystem>(local_file_system());
      files->set_plan(*FaultPlan::parse(fault + ("@" + std::to_string(n))));
      int acknowledged = 0, synced = 0;
      for (int session = 0; session < 2; ++session) {
        auto opened = Journal::open(files, directory / "journal", kHeader);
        if (!opened.is_ok()) continue;
        for (int i = 0; i < 3; ++i) {
          // A failed append may or may not be there; the next must not come after it.
          if (!opened->journal->append(record(acknowledged)).is_ok()) break;
          ++acknowledged;
          if (i == 1 && opened->journal->sync().is_ok()) synced = acknowledged;
        }
      }
      const bool is_hit = files->faults() > 0;
      const bool has_power_cut = fault == std::string("stop");
      files->set_plan(std::nullopt);
      if (has_power_cut) files->power_cut();
      INFO(fault << " at " << n << ", acknowledged " << acknowledged);
      auto opened = Journal::open(files, directory / "journal", kHeader);
      REQUIRE(opened.is_ok());
      const auto& records = opened->content.records;
      REQUIRE(static_cast<int>(records.size()) >= (has_power_cut ? synced : acknowledged));
      for (std::size_t i = 0; i < records.size(); ++i) REQUIRE(records[i] == record(static_cast<int>(i)));
      REQUIRE(opened->journal->append(record(1000)).is_ok());
      REQUIRE(read_journal(*files, directory / "journal")->records.back() == record(1000));
      if (!is_hit && n > 60) break;  // Beyond the last call.
    }
  }
}

TEST_CASE("after a failed append the journal is closed to more, until opened again") {
  TemporaryDirectory directory;
  auto files = std::make_shared<FaultFileSystem>(local_file_system());
  auto opened = Journal::open(files, directory / "journal", kHeader);
  REQUIRE(opened.is_ok());
  REQUIRE(opened->journal->append(record(0)).is_ok());
  files->set_plan(*FaultPlan::parse("short_write@0"));
  CHECK(opened->journal->append(record(1)).code() == StatusCode::kOutOfSpace);
  files->set_plan(std::nullopt);
  CHECK(opened->journal->append(record(2)).code() == StatusCode::kOutOfSpace);
  CHECK(opened->journal->sync().code() == StatusCode::kOutOfSpace);
  auto again = Journal::open(files, directory / "journal", kHeader);
  REQUIRE(again.is_ok());
  CHECK(again->content.is_torn);
  CHECK(again->content.records == std::vector<Json>{record(0)});
  CHECK(again->journal->append(record(2)).is_ok());
}

TEST_CASE("records of several threads are whole") {
  TemporaryDirectory directory;
  auto opened = Journal::open(local_file_system(), directory / "journal", kHeader);
  REQUIRE(opened.is_ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) (void)opened->journal->append(record(i));
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(read_journal(*local_file_system(), directory / "journal")->records.size() == 800);
}

}  // namespace millpond
