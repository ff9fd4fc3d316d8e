// What a scan may keep in memory: footers of Parquet files from query to query, but not while a task reads much.

#include "sql/scan_memory.h"

#include "duckdb/parallel/task_scheduler.hpp"
#include "duckdb/storage/object_cache.hpp"
#include "sql/exchange_fixture.h"
#include "storage/files_by_scheme.h"

using namespace millpond;

namespace {

Task task_over(std::int64_t bytes, std::string path = "/data/a.parquet") {
  FileSlice file;
  file.path = std::move(path);
  file.size = bytes;
  file.num_rows = 1000;
  TaskInput input;
  input.scan = ScanOptions{};
  input.slices = {file};
  Task task;
  task.inputs = {input};
  return task;
}

}  // namespace

TEST_CASE("a task that reads much begins without footers of files, others keep them") {
  TemporaryDirectory folder;
  duckdb::DuckDB database(nullptr);
  duckdb::Connection connection(database);
  const auto run = [&](const std::string& sql) {
    const auto result = connection.Query(sql);
    INFO(sql);
    REQUIRE_FALSE(result->HasError());
  };
  run("SET GLOBAL parquet_metadata_cache = true");
  for (const char* name : {"a", "b"}) {
    run("COPY (FROM range(1000)) TO '" + (folder / name) + ".parquet'");
    run("SELECT sum(range) FROM '" + (folder / name) + ".parquet'");
  }
  const duckdb::ObjectCache& cache = database.instance->GetObjectCache();
  const duckdb::idx_t held = cache.GetCurrentMemory();
  REQUIRE(held > 0);
  trim_footers(*database.instance, task_over(1 << 20));
  CHECK(cache.GetCurrentMemory() == held);
  Task exchange = task_over(1 << 30);
  exchange.inputs[0].scan.reset();
  trim_footers(*database.instance, exchange);
  CHECK(cache.GetCurrentMemory() == held);
  trim_footers(*database.instance, task_over(1 << 30));
  CHECK(cache.GetCurrentMemory() == 0);
  run("SELECT sum(range) FROM '" + (folder / "a") + ".parquet'");
  CHECK(cache.GetCurrentMemory() > 0);
}

TEST_CASE("a task that reads much keeps no footers while it runs, and reads little ahead from disks") {
  TemporaryDirectory folder;
  duckdb::DBConfig config;
  config.SetOptionByName("threads", duckdb::Value::BIGINT(3));
  config.SetOptionByName("async_threads", duckdb::Value::BIGINT(threads_reading_disks(3)));
  duckdb::DuckDB database(nullptr, &config);
  duckdb::Connection setup(database);
  REQUIRE_FALSE(setup.Query("SET GLOBAL parquet_metadata_cache = true")->HasError());
  const std::string file = (folder / "a") + ".parquet";
  REQUIRE_FALSE(setup.Query("COPY (FROM range(1000)) TO '" + file + "'")->HasError());
  const auto files = files_by_scheme(local_file_system(), nullptr);

  struct Seen {
    std::int64_t depth;
    duckdb::idx_t async_threads;
    duckdb::idx_t footers;
  };
  const auto run = [&](const Task& task) {
    duckdb::ObjectCache& cache = database.instance->GetObjectCache();
    cache.EvictToReduceMemory(cache.GetCurrentMemory());
    duckdb::Connection connection(database);
    fit_scan(connection, *files, task);
    REQUIRE_FALSE(connection.Query("SELECT sum(range) FROM '" + file + "'")->HasError());
    const auto depth = connection.Query("SELECT current_setting('read_ahead_depth')");
    REQUIRE_FALSE(depth->HasError());
    const auto row = depth->Fetch();
    auto& scheduler = duckdb::TaskScheduler::GetScheduler(*database.instance);
    return Seen{row->GetValue(0, 0).GetValue<std::int64_t>(), scheduler.NumberOfAsyncThreads(), cache.GetCurrentMemory()};
  };
  const Seen small = run(task_over(1 << 20));
  CHECK(small.depth == -1);
  CHECK(small.footers > 0);
  const Seen large = run(task_over(1 << 30));
  CHECK(large.depth == 3);
  CHECK(large.async_threads == 1);
  CHECK(large.footers < small.footers / 2);  // DuckDB keeps some bytes of its own a file.
  const Seen store = run(task_over(1 << 30, "s3://bucket/a.parquet"));
  CHECK(store.depth == -1);
  CHECK(store.async_threads >= 8);
  CHECK(run(task_over(1 << 20)).async_threads == store.async_threads);
  CHECK(store.footers == large.footers);
}
