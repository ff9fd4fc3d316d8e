#include <cerrno>
#include <chrono>
#include <fstream>
#include <thread>

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

using Rows = std::vector<std::string>;

Engine& engine() {
  // Never closed: when statics are destroyed, DuckDB's own thread-local state of this thread is gone already.
  static Engine* const shared = open_engine().release();
  return *shared;
}

/// What a task wrote into an exchange file, for the next to read.
TaskInput exchanged(Engine& engine, const std::string& query, const std::string& directory, const std::vector<TaskInput>& inputs = {}) {
  Task task = parquet_task(query, directory);
  task.inputs = inputs;
  task.output.files.reset();
  task.output.exchange = Placement{};
  task.output.exchange_file = "rows.exchange";
  const TaskResult result = run(engine, task);
  REQUIRE(result.files.size() == 1);
  TaskInput input;
  input.name = "in0";
  input.schema = result.schema;
  for (const auto& segment : result.files[0].segments) {
    input.slices.push_back(SegmentSlice{directory + "/" + result.files[0].path, segment.partition, segment.num_rows,
                                        segment.num_bytes, result.files[0].digest, {}});
  }
  return input;
}

/// Rows from one task, through an exchange file, back.
Rows through_exchange(const std::string& query, const std::string& directory, const std::vector<TaskInput>& inputs = {}) {
  return rows_of(engine(), "FROM in0", {exchanged(engine(), query, directory, inputs)});
}

Status task_error(const Task& task) {
  const std::atomic<bool> cancel{false};
  const TaskResult result = engine().run_task(task, {}, cancel);
  REQUIRE_FALSE(result.status.is_ok());
  CHECK(result.files.empty());
  return result.status;
}

TEST_CASE("a task's rows go through an exchange file to the next") {
  const TestFolder folder;
  CHECK(through_exchange("SELECT range AS a, range::HUGEINT AS h FROM range(3)", folder / "one") == Rows{"0|0", "1|1", "2|2"});
  CHECK(through_exchange("SELECT 1 AS a WHERE false", folder / "none").empty());
}

TEST_CASE("one thread writes what it reads, in order, and lets no row groups pile up") {
  const TestFolder folder;
  const auto own = open_engine();
  const std::int64_t rows = 4'000'000;
  const TaskInput input = exchanged(*own, "SELECT range AS i, hash(range) AS h FROM range(" + std::to_string(rows) + ")", folder / "one");
  Task task = parquet_task("FROM in0", folder / "out");
  task.inputs = {input};
  task.resources.threads = 1;
  const TaskResult result = run(*own, task);
  REQUIRE(result.files.size() == 1);
  // 64 MB of rows in 33 row groups.
  CHECK(result.metrics.peak_memory_bytes > 0);
  CHECK(result.metrics.peak_memory_bytes < (20 << 20));
  const TaskInput back = raw_parquet("in0", {folder / "out/" + result.files[0].path}, result.schema);
  const std::string ordered = "SELECT count(*), bool_and(i = r AND h = hash(i)) FROM (SELECT *, row_number() OVER () - 1 AS r FROM in0)";
  CHECK(rows_of(*own, ordered, {back}) == Rows{std::to_string(rows) + "|true"});
}

TEST_CASE("inputs stand in the query by name, also twice, and an empty input has its columns") {
  const TestFolder folder;
  TaskInput empty;
  empty.name = "in1";
  empty.schema = {{"a", "BIGINT"}, {"e", "ENUM('x', 'y')"}};
  const std::string file = folder / ("a/" + run(engine(), parquet_task("SELECT range AS a FROM range(4)", folder / "a")).files[0].path);
  const std::vector<TaskInput> inputs = {raw_parquet("in0", {file, file}, {{"a", "BIGINT"}}), empty};
  CHECK(through_exchange("SELECT x.a, y.e FROM in0 x LEFT JOIN in1 y USING (a) ORDER BY 1 LIMIT 3", folder / "b", inputs) ==
        Rows{"0|NULL", "0|NULL", "1|NULL"});
  CHECK(through_exchange("SELECT count(*) FROM in0 x, in0 y WHERE x.a = y.a", folder / "c", inputs) == Rows{"16"});
}

TEST_CASE("statements before the query read the inputs and are gone afterwards") {
  const TestFolder folder;
  Task task = parquet_task("SELECT twice(a) AS b FROM big ORDER BY b", folder / "out");
  const std::string file = folder / ("a/" + run(engine(), parquet_task("SELECT range AS a FROM range(4)", folder / "a")).files[0].path);
  task.inputs = {raw_parquet("in0", {file}, {{"a", "BIGINT"}})};
  task.setup = {"CREATE MACRO twice(x) AS x * 2", "CREATE TABLE big AS FROM in0 WHERE a > 1"};
  CHECK(run(engine(), task).files[0].num_rows == 2);
  task.output.directory = folder / "again";
  CHECK(run(engine(), task).files[0].num_rows == 2);
  CHECK(task_error(parquet_task("FROM big", folder / "x")).code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a type that Parquet would change is refused with the cast to use") {
  const TestFolder folder;
  const Status sum = task_error(parquet_task("SELECT sum(range) AS total FROM range(3)", folder / "a"));
  CHECK(sum.code() == StatusCode::kInvalidArgument);
  CHECK(sum.message() == "column \"total\" is HUGEINT, which Parquet can't hold: it would become DOUBLE and lose digits");
  CHECK(sum.hint().find("CAST(\"total\" AS …)") != std::string::npos);
  CHECK(task_error(parquet_task("SELECT [1::UHUGEINT] AS x", folder / "b")).message().find("holds UHUGEINT") != std::string::npos);
  CHECK(task_error(parquet_task("SELECT INTERVAL 1 DAY AS x", folder / "c")).code() == StatusCode::kInvalidArgument);
  CHECK(engine().check_writable({{"x", "HUGEINT"}}, FileFormat::kCsv).is_ok());
  CHECK_FALSE(engine().check_writable({{"x", "STRUCT(a TIME WITH TIME ZONE)"}}, FileFormat::kParquet).is_ok());
}

TEST_CASE("files are cut, put in folders and compressed as asked, in order") {
  const TestFolder folder;
  struct Case {
    FileFormat format;
    std::int64_t max_rows;
    std::size_t files;
  };
  for (const Case& c : {Case{FileFormat::kParquet, 3000, 5}, Case{FileFormat::kParquet, 700, 15}, Case{FileFormat::kCsv, 4096, 3},
                        Case{FileFormat::kCsv, 1000, 10}, Case{FileFormat::kJson, 3000, 4}}) {
    const std::string directory = folder / ("f" + std::to_string(c.max_rows) + std::string(file_format_name(c.format)));
    Task task = parquet_task("SELECT range AS a FROM range(10000)", directory);
    task.output.files->format = c.format;
    task.output.files->max_rows_per_file = c.max_rows;
    const TaskResult result = run(engine(), task);
    INFO(directory);
    CHECK(result.files.size() == c.files);
    std::vector<std::string> paths;
    for (const OutputFile& file : result.files) {
      CHECK(file.num_rows <= c.max_rows);
      CHECK(file.path.find('/') == std::string::npos);
      paths.push_back(directory + "/" + file.path);
    }
    const TaskInput input = file_input(engine(), "in0", paths, c.format);
    CHECK(rows_of(engine(), "SELECT count(*), bool_and(a = n - 1) FROM (SELECT a, row_number() OVER () AS n FROM in0)", {input}) ==
          Rows{"10000|true"});
  }
}

TEST_CASE("folders by key, names by task and attempt") {
  const TestFolder folder;
  Task task = parquet_task("SELECT range AS a, CASE WHEN range % 3 = 0 THEN NULL ELSE 'a/..' || range % 3 END AS g FROM range(9)", folder / "out");
  task.partition = 7;
  task.attempt = "a/b*{uuid}";
  task.output.files->partition_by = {"g"};
  const TaskResult result = run(engine(), task);
  REQUIRE(result.files.size() == 3);
  CHECK(result.files[0].path == "g=__HIVE_DEFAULT_PARTITION__/part-00007-a-b--uuid--0.parquet");
  CHECK(result.files[1].path == "g=a%2F..1/part-00007-a-b--uuid--0.parquet");
  task.output.directory = folder / "csv";
  task.output.files->format = FileFormat::kCsv;
  task.output.files->compression = "gzip";
  CHECK(run(engine(), task).files[0].path == "g=__HIVE_DEFAULT_PARTITION__/part-00007-a-b--uuid--0.csv.gz");
}

TEST_CASE("CSV and JSON files, plain and compressed, are read back") {
  const TestFolder folder;
  int n = 0;
  for (FileFormat format : {FileFormat::kCsv, FileFormat::kJson}) {
    for (const char* compression : {"", "gzip", "zstd"}) {
      Task task = parquet_task("SELECT 1 AS a, 'x,\"y\"' AS s UNION ALL SELECT 2, NULL", folder / std::to_string(n++));
      task.output.files->format = format;
      task.output.files->compression = compression;
      const TaskResult result = run(engine(), task);
      INFO(result.files[0].path);
      const TaskInput input = file_input(engine(), "in0", {task.output.directory + "/" + result.files[0].path}, format);
      CHECK(rows_of(engine(), "FROM in0", {input}) == Rows{"1|x,\"y\"", "2|NULL"});
    }
  }
}

TEST_CASE("an input that changed since planning is refused by its name") {
  const TestFolder folder;
  const std::string file = folder / ("a/" + run(engine(), parquet_task("SELECT 1 AS a", folder / "a")).files[0].path);
  Task task = parquet_task("FROM in0", folder / "out");
  task.inputs = {raw_parquet("in0", {file}, {{"a", "INTEGER"}})};
  std::get<FileSlice>(task.inputs[0].slices[0]).mtime_ns -= 1;
  CHECK(task_error(task).code() == StatusCode::kDataCorrupt);
  CHECK(task_error(task).context().file == file);
  std::filesystem::remove(file);
  CHECK(task_error(task).message() == "an input file has gone since the job was planned");
}

TEST_CASE("a damaged input is told from a wrong value") {
  const TestFolder folder;
  const std::string file = folder / ("a/" + run(engine(), parquet_task("SELECT range AS a, hash(range) AS h FROM range(10000)", folder / "a")).files[0].path);
  Task task = parquet_task("SELECT CASE WHEN a > 5 THEN error('no ' || a) END AS x FROM in0", folder / "out");
  task.location = "job.py:3";
  task.inputs = {raw_parquet("in0", {file}, {{"a", "BIGINT"}, {"h", "UBIGINT"}})};
  const Status user = task_error(task);
  CHECK(user.code() == StatusCode::kInvalidArgument);
  CHECK(user.message().find("no 6") != std::string::npos);
  CHECK(user.context().location == "job.py:3");
  CHECK(user.context().task == "stage 0, partition 0");

  const std::int64_t size = file_slice(file).size;
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(4);
  bytes << std::string(static_cast<std::size_t>(size) / 2, '\xff');
  bytes.close();
  task.query = "SELECT sum(a) + sum(h) AS x FROM in0";
  task.inputs = {raw_parquet("in0", {file}, {{"a", "BIGINT"}, {"h", "UBIGINT"}})};
  task.output.files->format = FileFormat::kCsv;
  const Status damaged = task_error(task);
  CHECK(damaged.code() == StatusCode::kDataCorrupt);
  CHECK(damaged.context().file == file);
}

TEST_CASE("a CSV line with too few fields is told with file and line") {
  const TestFolder folder;
  write_text(folder / "a.csv", "a,b\n1,2\n3\n5,6\n");
  ScanOptions options;
  options.format = FileFormat::kCsv;
  options.reader_options = {{"header", "true"}};
  TaskInput input;
  input.name = "in0";
  input.schema = {{"a", "BIGINT"}, {"b", "BIGINT"}};
  input.scan = value_of(engine().describe({file_slice(folder / "a.csv")}, options, input.schema)).options;
  input.slices = {file_slice(folder / "a.csv")};
  Task task = parquet_task("SELECT a FROM in0", folder / "out");
  task.inputs = {input};
  const Status status = task_error(task);
  CHECK(status.code() == StatusCode::kDataCorrupt);
  CHECK(status.context().file == folder / "a.csv");
  CHECK(status.message().find("Line: 3") != std::string::npos);
}

TEST_CASE("a task can be cancelled while it runs") {
  const TestFolder folder;
  const Task task = parquet_task("SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b", folder / "out");
  Task csv = task;
  csv.output.files->format = FileFormat::kCsv;
  std::atomic<bool> cancel{false};
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    cancel = true;
  });
  const auto begin = std::chrono::steady_clock::now();
  const TaskResult result = engine().run_task(csv, {}, cancel);
  canceller.join();
  CHECK(result.status.code() == StatusCode::kCancelled);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}

TEST_CASE("a function of another language gets the rows as Arrow and gives rows back") {
  const TestFolder folder;
  Task task = parquet_task("SELECT range AS a FROM range(300000)", folder / "out");
  task.call = CallSpec{};
  task.call->name = "same";
  int called = 0;
  const CallHandler handler = [&](const CallSpec& call, ArrowStream input, const Task&) -> Result<ArrowStream> {
    CHECK(call.name == "same");
    ++called;
    return input;
  };
  const std::atomic<bool> cancel{false};
  const TaskResult result = engine().run_task(task, handler, cancel);
  INFO(result.status.to_string());
  REQUIRE(result.status.is_ok());
  CHECK(called == 1);
  CHECK(result.files[0].num_rows == 300000);
  CHECK(result.schema == Schema{{"a", "BIGINT"}});
  const TaskInput input = raw_parquet("in0", {folder / ("out/" + result.files[0].path)}, result.schema);
  CHECK(rows_of(engine(), "SELECT sum(a) FROM in0", {input}) == Rows{"44999850000"});
  task.output.directory = folder / "none";
  CHECK(task_error(task).code() == StatusCode::kUnsupported);
}

TEST_CASE("an error inside the rows given to a function keeps its code") {
  const TestFolder folder;
  Task task = parquet_task("SELECT CASE WHEN range > 299999 THEN error('bad row') ELSE range END AS a FROM range(400000)", folder / "out");
  task.call = CallSpec{};
  const std::atomic<bool> cancel{false};
  const TaskResult result =
      engine().run_task(task, [](const CallSpec&, ArrowStream input, const Task&) -> Result<ArrowStream> { return input; }, cancel);
  CHECK(result.status.code() == StatusCode::kInvalidArgument);
  CHECK(result.status.message().find("bad row") != std::string::npos);
}

TEST_CASE("a function's own failure is told as such") {
  const TestFolder folder;
  Task task = parquet_task("SELECT range AS a FROM range(10)", folder / "out");
  task.call = CallSpec{};
  // Gives the input's schema, then fails.
  struct Failing {
    static int schema(ArrowArrayStream* self, ArrowSchema* out) {
      auto* input = static_cast<ArrowStream*>(self->private_data);
      return (*input)->get_schema(input->get(), out);
    }
    static int next(ArrowArrayStream*, ArrowArray*) { return EIO; }
    static const char* error(ArrowArrayStream*) { return "ValueError: no"; }
    static void release(ArrowArrayStream* self) {
      delete static_cast<ArrowStream*>(self->private_data);
      self->release = nullptr;
    }
  };
  const CallHandler handler = [](const CallSpec&, ArrowStream input, const Task&) -> Result<ArrowStream> {
    return ArrowStream({Failing::schema, Failing::next, Failing::error, Failing::release, new ArrowStream(std::move(input))});
  };
  const std::atomic<bool> cancel{false};
  const TaskResult result = engine().run_task(task, handler, cancel);
  CHECK(result.status.code() == StatusCode::kUserFunction);
  CHECK(result.status.message() == "ValueError: no");
}

TEST_CASE("many small tasks give the same rows, also one that needs much memory after all") {
  const TestFolder folder;
  const std::string file = folder / ("a/" + run(engine(), parquet_task("SELECT range AS a FROM range(3)", folder / "a")).files[0].path);
  TaskInput input = raw_parquet("in0", {file}, {{"a", "BIGINT"}});
  std::get<FileSlice>(input.slices[0]).num_rows = 3;
  for (int i = 0; i < 40; ++i) {
    Task task = parquet_task("SELECT a + " + std::to_string(i) + " AS b FROM in0", folder / ("out" + std::to_string(i)));
    task.inputs = {input};
    CHECK(run(engine(), task).files[0].num_rows == 3);
  }
  Task large = parquet_task("SELECT a, repeat('x', 1000) || range AS b FROM in0, range(100000) ORDER BY b DESC, a", folder / "large");
  large.inputs = {input};
  CHECK(run(engine(), large).files[0].num_rows == 300000);
}

TEST_CASE("memory that does not suffice is told as such") {
  const TestFolder folder;
  EngineOptions options;
  options.memory_limit_bytes = 32 << 20;
  const auto small = open_engine(options);
  const std::atomic<bool> cancel{false};
  const TaskResult result =
      small->run_task(parquet_task("SELECT range AS a, repeat('x', 100) || range AS b FROM range(3000000) ORDER BY b", folder / "out"), {}, cancel);
  CHECK(result.status.code() == StatusCode::kOutOfMemory);
  CHECK(result.status.is_retryable());
}

TEST_CASE("a stream becomes an exchange file") {
  const TestFolder folder;
  ArrowStream stream = value_of(engine().read("SELECT range AS a, 'x' AS b FROM range(5)", {}));
  const TaskResult result = value_of(engine().write_exchange(std::move(stream), folder / "out"));
  CHECK(result.schema == Schema{{"a", "BIGINT"}, {"b", "VARCHAR"}});
  REQUIRE(result.files.size() == 1);
  CHECK(result.files[0].num_rows == 5);
}

}  // namespace
}  // namespace millpond
