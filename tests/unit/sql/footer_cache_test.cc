// Footers of Parquet files are kept from query to query, but not while a task reads much.

#include "sql/footer_cache.h"

#include "duckdb/storage/object_cache.hpp"
#include "sql/exchange_fixture.h"

using namespace millpond;

namespace {

Task task_over(std::int64_t bytes) {
  FileSlice file;
  file.path = "/data/a.parquet";
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
