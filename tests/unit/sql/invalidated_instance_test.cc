#include "duckdb/common/exception.hpp"
#include "duckdb/main/connection.hpp"
#include "duckdb/main/valid_checker.hpp"
#include "engine_fixture.h"
#include "sql/unreadable_input.h"
#include "storage/fault_file_system.h"

namespace millpond {
namespace {

TaskInput over(const std::string& path, const Schema& schema) {
  const auto info = local_file_system()->stat(path);
  REQUIRE(info.is_ok());
  FileSlice file;
  file.path = path;
  file.size = info->size;
  TaskInput input{"in0", schema, ScanOptions{}, {file}};
  input.scan->format = FileFormat::kParquet;
  return input;
}

}  // namespace

TEST_CASE("a file is not blamed for what an error of DuckDB's own broke") {
  TestFolder folder;
  duckdb::DuckDB database(nullptr);
  const std::string path = folder / "good.parquet";
  {
    duckdb::Connection connection(database);
    REQUIRE_FALSE(connection.Query("COPY (SELECT 1::BIGINT AS a) TO '" + path + "' (FORMAT parquet)")->HasError());
  }
  const std::vector<TaskInput> inputs = {over(path, {{"a", "BIGINT"}})};
  const Status failure = Status::internal("database has been invalidated because of a previous fatal error");
  CHECK(blame_unreadable_input(database, *local_file_system(), inputs, failure) == failure);
  duckdb::ValidChecker::Invalidate(*database.instance, "fatal");
  CHECK(blame_unreadable_input(database, *local_file_system(), inputs, failure) == failure);
}

TEST_CASE("a damaged file is named, even when the instance is of no use any more") {
  TestFolder folder;
  duckdb::DuckDB database(nullptr);
  const std::string path = folder / "cut.parquet";
  {
    auto file = local_file_system()->create(path);
    REQUIRE(file.is_ok());
    const std::string text = "PAR1 and then nothing";
    REQUIRE((*file)->write_at(0, std::as_bytes(std::span(text))).is_ok());
    REQUIRE((*file)->close().is_ok());
  }
  duckdb::ValidChecker::Invalidate(*database.instance, "fatal");
  const Status blamed = blame_unreadable_input(database, *local_file_system(), {over(path, {{"a", "BIGINT"}})},
                                               Status::internal("fatal"));
  CHECK(blamed.code() == StatusCode::kDataCorrupt);
  CHECK(blamed.context().file == path);
}

TEST_CASE("an engine goes on after an error of DuckDB's own") {
  TestFolder folder;
  auto disk = std::make_shared<FaultFileSystem>(local_file_system());
  std::atomic<bool> is_broken{false};
  disk->set_hook([&](const std::string& call) {
    if (is_broken && call.find("part-") != std::string::npos) throw duckdb::FatalException("thrown by a test");
  });
  EngineOptions options;
  options.threads = 2;
  options.memory_limit_bytes = std::int64_t{1} << 30;
  const std::unique_ptr<Engine> engine = value_of(Engine::open(options, disk));
  const std::atomic<bool> cancel{false};
  const auto run = [&](const std::string& name) {
    return engine->run_task(parquet_task("SELECT 1 AS a", folder / name), {}, cancel).status;
  };
  CHECK(run("before").is_ok());
  is_broken = true;
  CHECK(run("broken").code() == StatusCode::kInternal);
  is_broken = false;
  const Status after = run("after");
  INFO(after.to_string());
  CHECK(after.is_ok());
  CHECK(rows_of(*engine, "SELECT 2") == std::vector<std::string>{"2"});
}

}  // namespace millpond
