#include "job/result_store.h"

#include <fstream>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "temporary_directory.h"

namespace millpond {
namespace {

TaskResult result_in(const TemporaryDirectory& directory, const std::string& name, const std::string& content) {
  directory.write(name + "/rows.exchange", content);
  TaskResult result;
  result.attempt = name;
  result.directory = directory / name;
  OutputFile file;
  file.path = "rows.exchange";
  file.num_bytes = static_cast<std::int64_t>(content.size());
  result.files = {file};
  return result;
}

std::unique_ptr<ResultStore> open_store(const TemporaryDirectory& directory, const std::string& engine = "duckdb-2") {
  auto store = ResultStore::open(local_file_system(), directory.path(), engine);
  INFO(store.status().to_string());
  REQUIRE(store.is_ok());
  return std::move(store).value();
}

}  // namespace

TEST_CASE("what was recorded is there for the next process") {
  TemporaryDirectory directory;
  const TaskResult result = result_in(directory, "a1", "rows");
  REQUIRE(open_store(directory)->put("f", result).is_ok());
  const auto store = open_store(directory);
  CHECK(store->size() == 1);
  CHECK(store->find("f") == result);
  CHECK_FALSE(store->find("other").has_value());
}

TEST_CASE("a result whose files are gone or cut short does not count") {
  TemporaryDirectory directory;
  const auto store = open_store(directory);
  REQUIRE(store->put("gone", result_in(directory, "a1", "rows")).is_ok());
  REQUIRE(store->put("cut", result_in(directory, "a2", "rows")).is_ok());
  REQUIRE(local_file_system()->remove_tree(directory / "a1").is_ok());
  directory.write("a2/rows.exchange", "ro");
  CHECK_FALSE(store->find("gone").has_value());
  CHECK_FALSE(store->find("cut").has_value());
}

TEST_CASE("files that a commit has moved are found where they went") {
  TemporaryDirectory directory;
  const auto store = open_store(directory);
  REQUIRE(store->put("f", result_in(directory, "a1", "rows")).is_ok());
  std::filesystem::rename(directory / "a1", directory / "published");
  CHECK_FALSE(store->find("f").has_value());
  CHECK(store->find("f", directory / "published").has_value());
}

TEST_CASE("what is forgotten stays forgotten") {
  TemporaryDirectory directory;
  {
    const auto store = open_store(directory);
    REQUIRE(store->put("f", result_in(directory, "a1", "rows")).is_ok());
    REQUIRE(store->forget("f").is_ok());
    CHECK(store->forget("never there").is_ok());
    CHECK_FALSE(store->find("f").has_value());
  }
  CHECK(open_store(directory)->size() == 0);
}

TEST_CASE("threads record and look up at once, and nothing is lost") {
  TemporaryDirectory directory;
  const TaskResult result = result_in(directory, "a1", "rows");
  {
    const auto store = open_store(directory);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 50; ++i) {
          const std::string fingerprint = std::to_string(thread) + "/" + std::to_string(i);
          (void)store->put(fingerprint, result);
          (void)store->find(fingerprint);
          if (i % 5 == 0) (void)store->forget(fingerprint);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(store->size() == 160);
  }
  CHECK(open_store(directory)->size() == 160);
}

TEST_CASE("a journal of another engine is refused by name") {
  TemporaryDirectory directory;
  REQUIRE(open_store(directory)->put("f", result_in(directory, "a1", "rows")).is_ok());
  const auto other = ResultStore::open(local_file_system(), directory.path(), "duckdb-3");
  CHECK(other.status().code() == StatusCode::kInvalidArgument);
  CHECK(other.status().message().find("duckdb-2") != std::string::npos);
}

TEST_CASE("a record that a kill cut off is dropped, those before it stay") {
  TemporaryDirectory directory;
  REQUIRE(open_store(directory)->put("f", result_in(directory, "a1", "rows")).is_ok());
  std::ofstream(directory / "journal", std::ios::app | std::ios::binary) << "torn";
  CHECK(open_store(directory)->size() == 1);
}

}  // namespace millpond
