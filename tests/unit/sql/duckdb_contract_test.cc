// What src/sql leans on inside DuckDB, each as one statement. When DuckDB is upgraded, this file says what has moved.

#include "catch.hpp"
#include "duckdb.hpp"
#include "duckdb/common/arrow/arrow_format.hpp"
#include "duckdb/common/enums/optimizer_type.hpp"
#include "duckdb/common/exception.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/statement_iterator.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/planner.hpp"
#include "sql/engine_fixture.h"

namespace millpond {
namespace {

/// A plain DuckDB, without anything of ours.
struct Plain {
  duckdb::DuckDB database{nullptr};
  duckdb::Connection connection{database};

  duckdb::unique_ptr<duckdb::QueryResult> query(const std::string& sql) {
    auto result = connection.Query(sql);
    INFO(sql);
    INFO((result->HasError() ? result->GetError() : ""));
    REQUIRE_FALSE(result->HasError());
    return result;
  }
  std::string value(const std::string& sql) { return query(sql)->Fetch()->GetValue(0, 0).ToString(); }
  std::string names(const std::string& sql) {
    std::string all;
    const auto result = query(sql);
    for (const auto& name : result->GetNames()) all += (all.empty() ? "" : ",") + name.GetIdentifierName();
    return all;
  }
  duckdb::ErrorData error(const std::string& sql) {
    auto result = connection.Query(sql);
    INFO(sql);
    REQUIRE(result->HasError());
    return result->GetErrorObject();
  }
};

TEST_CASE("DuckDB is the pinned version") { CHECK(std::string(duckdb::DuckDB::LibraryVersion()) == "v2.0.0"); }

TEST_CASE("DuckDB: a file given as a struct is opened by its literal name") {
  Plain plain;
  const TestFolder folder;
  plain.query("COPY (SELECT 1 AS a) TO '" + folder / "x*[1]?.parquet" + "'");
  plain.query("COPY (SELECT 2 AS a) TO '" + folder / "xz1k.parquet" + "'");
  for (const char* reader : {"read_parquet", "parquet_schema", "parquet_file_metadata", "parquet_metadata"}) {
    INFO(reader);
    CHECK(plain.value(std::string("SELECT count(*) > 0 FROM ") + reader + "([{'filename': '" + folder / "x*[1]?.parquet" + "'}])") == "true");
  }
  CHECK(plain.value("SELECT sum(a) FROM read_parquet([{'filename': '" + folder / "x*[1]?.parquet" + "'}])") == "1");
}

TEST_CASE("DuckDB: an error tells its type, errno, subtype, name, candidates and position") {
  Plain plain;
  const duckdb::ErrorData missing = plain.error("FROM read_parquet([{'filename': '/no/such/file.parquet'}])");
  CHECK(missing.Type() == duckdb::ExceptionType::IO);
  CHECK(missing.ExtraInfo().at("errno") == "2");
  try {
    plain.connection.context->BindStatement(plain.connection.context->IterateStatements("SELECT prize FROM (SELECT 1 AS price)").GetStatement());
    FAIL("bound");
  } catch (const std::exception& exception) {
    const duckdb::ErrorData error(exception);
    CHECK(error.Type() == duckdb::ExceptionType::BINDER);
    CHECK(error.ExtraInfo().at("error_subtype") == "COLUMN_NOT_FOUND");
    CHECK(error.ExtraInfo().at("name") == "prize");
    CHECK(error.ExtraInfo().at("candidates") == "price");
    CHECK(error.ExtraInfo().at("position") == "7");
  }
}

TEST_CASE("DuckDB: a statement without its text keeps the position in its error") {
  Plain plain;
  auto statement = plain.connection.context->IterateStatements("SELECT a FROM nothing").GetStatement();
  CHECK(statement->query == "SELECT a FROM nothing");
  statement->query.clear();
  const auto result = plain.connection.Submit(std::move(statement));
  REQUIRE(result->HasError());
  CHECK(result->GetErrorObject().ExtraInfo().count("position") == 1);
}

TEST_CASE("DuckDB: COPY renames equal names, and tells its files") {
  Plain plain;
  const TestFolder folder;
  CHECK(plain.names("COPY (SELECT 1 AS a, 2 AS a, 3 AS \"A\") TO '" + folder / "x.parquet" + "' (RETURN_STATS)").rfind("filename,count,", 0) == 0);
  CHECK(plain.names("FROM '" + folder / "x.parquet" + "'") == "a,a_1,A_2");
  CHECK(plain.names("COPY (SELECT 1 AS a) TO '" + folder / "x.csv" + "' (RETURN_FILES)") == "Count,Files");
}

TEST_CASE("DuckDB: COPY cuts files at whole vectors only") {
  Plain plain;
  const TestFolder folder;
  const auto result = plain.query("COPY (FROM range(10000)) TO '" + folder / "x" + "' (FORMAT parquet, ROW_GROUP_SIZE 4096, ROW_GROUPS_PER_FILE 1, RETURN_STATS)");
  while (const auto chunk = result->Fetch()) {
    for (duckdb::idx_t row = 0; row < chunk->size(); ++row) CHECK(chunk->GetValue(1, row).GetValue<int64_t>() <= 4096);
  }
}

TEST_CASE("DuckDB: a subquery in FROM keeps its order, its own WITH and what it hides") {
  Plain plain;
  CHECK(plain.value("WITH i AS NOT MATERIALIZED (FROM range(9)) FROM (\nWITH x AS (FROM i) FROM x ORDER BY 1 DESC -- end\n)") == "8");
}

TEST_CASE("DuckDB: binding runs nothing and tells a PIVOT that needs its values") {
  Plain plain;
  const auto bind = [&](const std::string& sql) {
    return plain.connection.context->BindStatement(plain.connection.context->IterateStatements(sql).GetStatement());
  };
  CHECK(bind("SELECT error('ran')").names.size() == 1);
  plain.query("CREATE TABLE t AS SELECT 1 AS a");
  CHECK(bind("PIVOT t ON a USING count(*)").metadata_deferred);
  CHECK(bind("SELECT ? + 1").parameters.size() == 1);
}

TEST_CASE("DuckDB: a locked configuration lets through what allowed_configs lists") {
  duckdb::DBConfig config;
  config.options.allowed_configs.insert(duckdb::Identifier("TimeZone"));
  duckdb::DuckDB database(nullptr, &config);
  duckdb::Connection connection(database);
  CHECK_FALSE(connection.Query("SET GLOBAL lock_configuration = true")->HasError());
  CHECK_FALSE(connection.Query("SET TimeZone = 'UTC'")->HasError());
  CHECK(connection.Query("SET threads = 1")->HasError());
}

TEST_CASE("DuckDB: rows come as Arrow batches of the size asked for") {
  Plain plain;
  auto result = plain.connection.Submit("FROM range(5000)", duckdb::make_shared_ptr<duckdb::ArrowFormat>(3000));
  duckdb::QueryResultStream<duckdb::ArrowFormat> rows(std::move(result));
  int64_t total = 0;
  while (const auto batch = rows.Fetch()) {
    CHECK(batch->arrow_array.length <= 3000);
    total += batch->arrow_array.length;
  }
  CHECK(total == 5000);
}

TEST_CASE("DuckDB: the functions that look into files give the columns we read") {
  Plain plain;
  const TestFolder folder;
  plain.query("COPY (SELECT 1 AS a, {'b': 2} AS s) TO '" + folder / "x.parquet" + "'");
  plain.query("COPY (SELECT 1 AS a) TO '" + folder / "x.csv" + "' (HEADER)");
  const std::string file = "([{'filename': '" + folder / "x.parquet" + "'}])";
  plain.query("SELECT file_name, name, num_children, duckdb_type FROM parquet_schema" + file);
  plain.query("SELECT file_name, num_rows FROM parquet_file_metadata" + file);
  plain.query("SELECT row_group_id, row_group_num_rows, column_id FROM parquet_metadata" + file);
  plain.query(
      "SELECT Delimiter, Quote, Escape, NewLineDelimiter, Comment, SkipRows, HasHeader, Columns, DateFormat, TimestampFormat "
      "FROM sniff_csv('" + folder / "x.csv" + "')");
}

TEST_CASE("DuckDB: file_row_number skips row groups, so that a row range is cheap") {
  Plain plain;
  const TestFolder folder;
  plain.query("COPY (FROM range(100000)) TO '" + folder / "x.parquet" + "' (ROW_GROUP_SIZE 2048)");
  CHECK(plain.value("SELECT sum(range) FROM read_parquet([{'filename': '" + folder / "x.parquet" +
                    "'}], file_row_number = true) WHERE file_row_number BETWEEN 50000 AND 50001") == "100001");
}

TEST_CASE("DuckDB: what Parquet changes is what we refuse") {
  Plain plain;
  const TestFolder folder;
  const auto type_back = [&](const std::string& value) {
    plain.query("COPY (SELECT " + value + " AS x) TO '" + folder / "t.parquet" + "'");
    return plain.value("SELECT typeof(x) FROM '" + folder / "t.parquet" + "'");
  };
  CHECK(type_back("1::HUGEINT") == "DOUBLE");
  CHECK(type_back("1::UHUGEINT") == "DOUBLE");
  CHECK(type_back("1::DECIMAL(38,0)") == "DECIMAL(38,0)");
  for (const char* type : {"TINYINT", "UBIGINT", "FLOAT", "DOUBLE", "DATE", "TIME", "TIME_NS", "TIMESTAMP", "TIMESTAMP_NS",
                           "TIMESTAMP WITH TIME ZONE", "VARCHAR", "BLOB", "BOOLEAN", "UUID", "JSON"}) {
    type_back("NULL::" + std::string(type));
    CHECK(plain.query("SELECT x FROM '" + folder / "t.parquet" + "'")->GetTypes()[0].ToString() == type);
  }
}

TEST_CASE("DuckDB: the optimizer passes that we switch off exist") {
  for (const char* name : {"compressed_materialization", "late_materialization", "top_n_window_elimination", "sampling_pushdown"}) {
    CHECK_NOTHROW(duckdb::OptimizerTypeFromString(name));
  }
}

}  // namespace
}  // namespace millpond
