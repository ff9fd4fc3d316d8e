#include "sql/engine_fixture.h"

namespace millpond {
namespace {

Engine& engine() {
  // Never closed: when statics are destroyed, DuckDB's own thread-local state of this thread is gone already.
  static Engine* const shared = open_engine().release();
  return *shared;
}

/// Writes the rows of `query` as one Parquet file and gives its path.
std::string write_parquet(const std::string& query, const std::string& folder) {
  return folder + "/" + run(engine(), parquet_task(query, folder)).files[0].path;
}

Result<Engine::FileSet> describe(const std::vector<std::string>& paths, ScanOptions options, const Schema& declared = {}) {
  std::vector<FileSlice> files;
  for (const std::string& path : paths) files.push_back(file_slice(path));
  return engine().describe(std::move(files), std::move(options), declared);
}

ScanOptions options_of(FileFormat format) {
  ScanOptions options;
  options.format = format;
  return options;
}

TaskInput input_of(Engine::FileSet set) {
  TaskInput input;
  input.name = "in0";
  input.schema = std::move(set.schema);
  input.scan = std::move(set.options);
  for (FileSlice& file : set.files) input.slices.emplace_back(std::move(file));
  return input;
}

std::vector<std::string> all_rows(const Engine::FileSet& set) { return rows_of(engine(), "FROM in0", {input_of(set)}); }

using Rows = std::vector<std::string>;

TEST_CASE("Parquet files tell their columns and rows") {
  const TestFolder folder;
  const std::string a = write_parquet("SELECT range AS n, 'x' AS s FROM range(3)", folder / "a");
  const std::string b = write_parquet("SELECT range + 10 AS n, 'y' AS s FROM range(2)", folder / "b");
  const Engine::FileSet set = value_of(describe({a, b}, options_of(FileFormat::kParquet)));
  CHECK(set.schema == Schema{{"n", "BIGINT"}, {"s", "VARCHAR"}});
  CHECK(set.files[0].num_rows == 3);
  CHECK(set.files[1].num_rows == 2);
  CHECK(all_rows(set) == Rows{"0|x", "1|x", "2|x", "10|y", "11|y"});
}

TEST_CASE("Parquet files of different columns are refused, naming both and the column") {
  const TestFolder folder;
  const std::string a = write_parquet("SELECT 1 AS n, 'x' AS s", folder / "a");
  const std::string b = write_parquet("SELECT 1::BIGINT AS n, 'x' AS s", folder / "b");
  const std::string c = write_parquet("SELECT 1 AS n, 'x' AS s, 2 AS t", folder / "c");
  const Status types = describe({a, b}, options_of(FileFormat::kParquet)).status();
  CHECK(types.code() == StatusCode::kInvalidArgument);
  CHECK(types.message().find("\"n\" is INTEGER in the first and BIGINT in the second") != std::string::npos);
  CHECK(types.message().find(a) != std::string::npos);
  CHECK(types.message().find(b) != std::string::npos);
  CHECK(describe({a, c}, options_of(FileFormat::kParquet)).status().message().find("only the second has \"t\"") != std::string::npos);
}

TEST_CASE("union_by_name widens, fills with NULL, and a task that reads one of the files knows all columns") {
  const TestFolder folder;
  const std::string a = write_parquet("SELECT 1 AS n, 'x' AS s", folder / "a");
  const std::string b = write_parquet("SELECT 3000000000 AS n, true AS t", folder / "b");
  ScanOptions options = options_of(FileFormat::kParquet);
  options.union_by_name = true;
  Engine::FileSet set = value_of(describe({a, b}, options));
  CHECK(set.schema == Schema{{"n", "BIGINT"}, {"s", "VARCHAR"}, {"t", "BOOLEAN"}});
  CHECK(all_rows(set) == Rows{"1|x|NULL", "3000000000|NULL|true"});
  set.files.erase(set.files.begin());
  CHECK(all_rows(set) == Rows{"3000000000|NULL|true"});
}

TEST_CASE("names with pattern characters are read literally") {
  const TestFolder folder;
  for (const char* name : {"a*b", "a?b", "[ab]", "a b'c\"d", "ä\n;--", "{x}", "%20"}) {
    INFO(name);
    const std::string path = write_parquet("SELECT 1 AS n", folder / name);
    const std::string renamed = folder / (std::string(name) + "/" + name + ".parquet");
    std::filesystem::rename(path, renamed);
    const Engine::FileSet set = value_of(describe({renamed}, options_of(FileFormat::kParquet)));
    CHECK(all_rows(set) == Rows{"1"});
    const std::string csv = folder / (std::string(name) + ".csv");
    write_text(csv, "n,s\n1,a\n");
    write_text(folder / "axb.csv", "other\n2\n");
    CHECK(all_rows(value_of(describe({csv}, options_of(FileFormat::kCsv)))) == Rows{"1|a"});
  }
}

TEST_CASE("folder columns have one type over all files, whichever a task reads") {
  const TestFolder folder;
  std::filesystem::create_directories(folder / "p=1/q=a%2Fb");
  std::filesystem::create_directories(folder / "p=abc/q=__HIVE_DEFAULT_PARTITION__");
  const std::string a = write_parquet("SELECT 1 AS n", folder / "p=1/q=a%2Fb");
  const std::string b = write_parquet("SELECT 2 AS n", folder / "p=abc/q=__HIVE_DEFAULT_PARTITION__");
  ScanOptions options = options_of(FileFormat::kParquet);
  options.hive_columns = {{"p", ""}, {"q", ""}};
  options.filename = true;
  Engine::FileSet set = value_of(describe({a, b}, options));
  CHECK(set.options.hive_columns == std::vector<Column>{{"p", "VARCHAR"}, {"q", "VARCHAR"}});
  CHECK(all_rows(set) == Rows{"1|" + a + "|1|a/b", "2|" + b + "|abc|NULL"});
  set.files.pop_back();
  CHECK(all_rows(set) == Rows{"1|" + a + "|1|a/b"});
  options.union_by_name = true;
  CHECK(all_rows(value_of(describe({a, b}, options))).size() == 2);
}

TEST_CASE("folder columns stand in CSV and JSON too") {
  const TestFolder folder;
  std::filesystem::create_directories(folder / "d=2020-01-01");
  write_text(folder / "d=2020-01-01/x.csv", "a,b\n1,2\n");
  write_text(folder / "d=2020-01-01/x.json", "{\"a\": 1}\n");
  for (const char* name : {"d=2020-01-01/x.csv", "d=2020-01-01/x.json"}) {
    ScanOptions options = options_of(name[std::string(name).size() - 1] == 'v' ? FileFormat::kCsv : FileFormat::kJson);
    options.hive_columns = {{"d", ""}};
    const Engine::FileSet set = value_of(describe({folder / name}, options));
    INFO(schema_to_string(set.schema));
    CHECK(set.options.hive_columns == std::vector<Column>{{"d", "DATE"}});
    CHECK(all_rows(set).size() == 1);
  }
}

TEST_CASE("damaged Parquet files are named") {
  const TestFolder folder;
  const std::string good = write_parquet("SELECT range AS n FROM range(1000)", folder / "a");
  const std::string bad = folder / "bad.parquet";
  const auto message = [&](const std::string& content) {
    write_text(bad, content);
    const Status status = describe({good, bad}, options_of(FileFormat::kParquet)).status();
    CHECK(status.code() == StatusCode::kDataCorrupt);
    CHECK(status.context().file == bad);
    return status.message();
  };
  CHECK(message("").find("it is empty (0 bytes)") != std::string::npos);
  CHECK(message("PAR1").find("only 4 bytes") != std::string::npos);
  CHECK(message("hello, this is not Parquet at all").find("does not begin") != std::string::npos);
  CHECK(message("PAR1 cut off in the middle ....").find("its end is missing") != std::string::npos);
  CHECK(message(std::string("PAR1xxxxxxxxxxxxxxxx\x08\0\0\0PAR1", 28)).find("footer") != std::string::npos);
}

TEST_CASE("CSV files are sniffed once and pinned") {
  const TestFolder folder;
  write_text(folder / "a.csv", "id|name|day\n1|x|2020-01-02\n2|\"y|z\"|2020-01-03\n");
  write_text(folder / "b.csv", "id|name|day\n3|1|2020-01-04\n");
  const Engine::FileSet set = value_of(describe({folder / "a.csv", folder / "b.csv"}, options_of(FileFormat::kCsv)));
  CHECK(set.schema == Schema{{"id", "BIGINT"}, {"name", "VARCHAR"}, {"day", "DATE"}});
  CHECK(all_rows(set) == Rows{"1|x|2020-01-02", "2|y|z|2020-01-03", "3|1|2020-01-04"});
}

TEST_CASE("a declared CSV schema is taken as it is, without a header") {
  const TestFolder folder;
  write_text(folder / "a.csv", "1,x\n2,\"a,b\"\n");
  const Engine::FileSet set = value_of(describe({folder / "a.csv"}, options_of(FileFormat::kCsv), {{"a", "TINYINT"}, {"b", "VARCHAR"}}));
  CHECK(all_rows(set) == Rows{"1|x", "2|a,b"});
  write_text(folder / "empty.csv", "");
  CHECK(all_rows(value_of(describe({folder / "empty.csv"}, options_of(FileFormat::kCsv), {{"a", "TINYINT"}}))).empty());
  ScanOptions tabs = options_of(FileFormat::kCsv);
  tabs.reader_options = {{"delim", "'\t'"}, {"header", "true"}};
  write_text(folder / "tabs.csv", "x\ty\n7\t8\n");
  CHECK(all_rows(value_of(describe({folder / "tabs.csv"}, tabs, {{"a", "BIGINT"}, {"b", "BIGINT"}}))) == Rows{"7|8"});
}

TEST_CASE("CSV headers that differ are refused, and matched by name with union_by_name") {
  const TestFolder folder;
  write_text(folder / "a.csv", "id,name\n1,x\n");
  write_text(folder / "b.csv", "name,id\ny,2\n");
  write_text(folder / "c.csv", "id,extra\n3,true\n");
  const Status status = describe({folder / "a.csv", folder / "b.csv"}, options_of(FileFormat::kCsv)).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("column 1 is \"id\" in the first and \"name\" in the second") != std::string::npos);
  ScanOptions options = options_of(FileFormat::kCsv);
  options.union_by_name = true;
  Engine::FileSet set = value_of(describe({folder / "a.csv", folder / "b.csv", folder / "c.csv"}, options));
  CHECK(set.schema == Schema{{"id", "BIGINT"}, {"name", "VARCHAR"}, {"extra", "BOOLEAN"}});
  CHECK(all_rows(set) == Rows{"1|x|NULL", "2|y|NULL", "3|NULL|true"});
  set.files.erase(set.files.begin(), set.files.begin() + 2);
  CHECK(all_rows(set) == Rows{"3|NULL|true"});
}

TEST_CASE("an empty file whose columns nobody told is refused") {
  const TestFolder folder;
  write_text(folder / "a.csv", "");
  write_text(folder / "a.json", "");
  CHECK(describe({folder / "a.csv"}, options_of(FileFormat::kCsv)).status().message().find("empty") != std::string::npos);
  CHECK(describe({folder / "a.json"}, options_of(FileFormat::kJson)).status().message().find("empty") != std::string::npos);
}

TEST_CASE("JSON lines and arrays are read alike, with missing keys as NULL") {
  const TestFolder folder;
  write_text(folder / "a.json", "{\"a\": 1, \"b\": {\"c\": [1, 2]}}\n{\"a\": 2}\n");
  write_text(folder / "b.json", "[{\"a\": 3, \"d\": \"x\"}, {\"a\": 4}]\n");
  Engine::FileSet set = value_of(describe({folder / "a.json", folder / "b.json"}, options_of(FileFormat::kJson)));
  CHECK(set.schema == Schema{{"a", "BIGINT"}, {"b", "STRUCT(c BIGINT[])"}, {"d", "VARCHAR"}});
  CHECK(all_rows(set) == Rows{"1|{'c': [1, 2]}|NULL", "2|NULL|NULL", "3|NULL|x", "4|NULL|NULL"});
  set.files.erase(set.files.begin());
  CHECK(all_rows(set) == Rows{"3|NULL|x", "4|NULL|NULL"});
  const Engine::FileSet declared = value_of(describe({folder / "b.json"}, options_of(FileFormat::kJson), {{"d", "VARCHAR"}, {"a", "INTEGER"}}));
  CHECK(all_rows(declared) == Rows{"x|3", "NULL|4"});
}

TEST_CASE("row groups are row ranges") {
  const TestFolder folder;
  Task task = parquet_task("SELECT range AS n FROM range(5000)", folder / "a");
  task.output.files->copy_options = {{"ROW_GROUP_SIZE", "2048"}};
  const std::string path = folder / "a/" + run(engine(), task).files[0].path;
  Engine::FileSet set = value_of(describe({path}, options_of(FileFormat::kParquet)));
  CHECK(value_of(engine().row_groups(set.files.front())) == std::vector<RowRange>{{0, 2048}, {2048, 4096}, {4096, 5000}});
  TaskInput input = input_of(set);
  FileSlice part = set.files[0];
  part.rows = RowRange{2040, 2050};
  FileSlice rest = set.files[0];
  rest.rows = RowRange{4999, 5000};
  input.slices = {part, rest};
  CHECK(rows_of(engine(), "SELECT min(n), count(*), max(n) FROM in0", {input}) == Rows{"2040|11|4999"});
}

TEST_CASE("file_row_number and filename are columns when asked for") {
  const TestFolder folder;
  const std::string path = write_parquet("SELECT range AS n FROM range(3)", folder / "a");
  ScanOptions options = options_of(FileFormat::kParquet);
  options.filename = true;
  options.file_row_number = true;
  const Engine::FileSet set = value_of(describe({path}, options));
  CHECK(rows_of(engine(), "SELECT n, file_row_number, filename FROM in0", {input_of(set)}) ==
        Rows{"0|0|" + path, "1|1|" + path, "2|2|" + path});
}

}  // namespace
}  // namespace millpond
