#include "sql/engine_fixture.h"

namespace millpond {
namespace {

TaskInput raw_parquet(const std::string& name, const std::vector<std::string>& paths, Schema schema) {
  TaskInput input;
  input.name = name;
  input.schema = std::move(schema);
  input.scan = ScanOptions{};
  for (const std::string& path : paths) input.slices.emplace_back(file_slice(path));
  return input;
}

TEST_CASE("a task writes the rows of its query and says what it wrote") {
  const TestFolder folder;
  const auto engine = open_engine();
  const TaskResult result = run(*engine, parquet_task("SELECT range AS a FROM range(10)", folder / "out"));
  REQUIRE(result.files.size() == 1);
  CHECK(result.files[0].path == "part-00000-a000001.parquet");
  CHECK(result.files[0].num_rows == 10);
  CHECK(result.files[0].num_bytes == value_of(local_file_system()->stat(folder / "out/part-00000-a000001.parquet")).size);
  CHECK(result.files[0].digest.size() == 32);
  CHECK(result.schema == Schema{{"a", "BIGINT"}});
  CHECK(result.metrics.rows_out == 10);

  const TaskInput input = raw_parquet("in0", {folder / "out/" + result.files[0].path}, {{"a", "BIGINT"}});
  CHECK(rows_of(*engine, "SELECT sum(a), count(*) FROM in0", {input}) == std::vector<std::string>{"45|10"});
}

}  // namespace
}  // namespace millpond
