#include "sql/engine_fixture.h"

namespace millpond {
namespace {

const std::vector<BoundInput> kPrices = {{"in0", {{"ticker", "VARCHAR"}, {"price", "DOUBLE"}, {"volume", "BIGINT"}}}};
const std::vector<BoundInput> kTwo = {{"in0", {{"k", "BIGINT"}, {"a", "VARCHAR"}}}, {"in1", {{"k", "BIGINT"}, {"b", "DATE"}}}};

Engine& engine() {
  // Never closed: when statics are destroyed, DuckDB's own thread-local state of this thread is gone already.
  static Engine* const shared = open_planner().release();
  return *shared;
}

Status bind_error(const std::string& query, const std::vector<BoundInput>& inputs = kPrices) {
  const Result<Schema> schema = engine().bind(query, inputs);
  INFO(query);
  REQUIRE_FALSE(schema.is_ok());
  return schema.status();
}

TEST_CASE("a bound query tells its columns and exact types") {
  const Schema schema = value_of(engine().bind("SELECT ticker, min(price) AS low, sum(volume) FROM in0 GROUP BY ALL", kPrices));
  CHECK(schema == Schema{{"ticker", "VARCHAR"}, {"low", "DOUBLE"}, {"sum(volume)", "HUGEINT"}});
}

TEST_CASE("every form of a query can be bound") {
  for (const char* query :
       {"FROM in0", "SELECT * FROM in0 -- a comment", "WITH x AS (FROM in0) SELECT * FROM x ORDER BY 1;", "VALUES (1, 'a')",
        "FROM in0 SELECT price + 1", "TABLE in0", "SELECT 1", "PIVOT in0 ON ticker IN ('A', 'B') USING sum(volume)",
        "UNPIVOT (SELECT price, price AS p2 FROM in0) ON COLUMNS(*)", "SELECT * FROM in0 UNION ALL FROM in0",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r, in0",
        "DESCRIBE in0", "SUMMARIZE in0", "/* {0} */ SELECT '{1}' AS x FROM in0"}) {
    INFO(query);
    CHECK(engine().bind(query, kPrices).is_ok());
  }
}

TEST_CASE("columns of the same name get names of their own") {
  CHECK(value_of(engine().bind("SELECT 1 AS a, 2 AS a, 3 AS \"A\"", {})) ==
        Schema{{"a", "INTEGER"}, {"a_1", "INTEGER"}, {"A_2", "INTEGER"}});
}

TEST_CASE("types of every kind come through") {
  for (const char* type :
       {"HUGEINT", "UHUGEINT", "DECIMAL(38,10)", "ENUM('a', 'b''c')", "STRUCT(a INTEGER, \"b c\" VARCHAR[])", "MAP(VARCHAR, INTEGER[])",
        "INTEGER[3]", "UNION(num INTEGER, str VARCHAR)", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS", "INTERVAL", "BIT", "UUID",
        "TIME WITH TIME ZONE", "BLOB", "BIGNUM", "VARIANT", "JSON", "TIME_NS"}) {
    INFO(type);
    const Schema schema = value_of(engine().bind("SELECT * FROM in0", {{"in0", {{"x", type}}}}));
    REQUIRE(schema.size() == 1);
    CHECK(value_of(engine().bind("SELECT * FROM in0", {{"in0", schema}})) == schema);
  }
}

TEST_CASE("a wrong column is told with the nearest name, the candidates and the place") {
  const Status status = bind_error("SELECT ticker,\n       prize * 2\nFROM in0");
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message() == "there is no column \"prize\"");
  CHECK(status.hint().find("Did you mean \"price\"?") != std::string::npos);
  CHECK(status.hint().find("\"ticker\"") != std::string::npos);
  CHECK(status.context().detail == "       prize * 2\n       ^");
}

TEST_CASE("a query whose tables were asked for binds as any other, each time, and errors show their place") {
  const std::string good = " \n FROM in0 SELECT price + 1 AS more; -- all";
  for (int i = 0; i < 2; ++i) {
    CHECK(value_of(engine().table_names(good)) == std::vector<std::string>{"in0"});
    for (int j = 0; j < 2; ++j) CHECK(value_of(engine().bind(good, kPrices)) == Schema{{"more", "DOUBLE"}});
  }
  CHECK(engine().table_names("SELECT pric FROM in0").is_ok());
  CHECK(value_of(engine().bind(good, kPrices)) == Schema{{"more", "DOUBLE"}});
  const std::string wrong = "\n\n   SELECT 1,\n  pric FROM in0";
  for (int i = 0; i < 2; ++i) {
    CHECK(bind_error(wrong).context().detail == "  pric FROM in0\n  ^");
    CHECK(engine().table_names(wrong).is_ok());
  }
  CHECK(engine().table_names("SELECT ? FROM in0").is_ok());
  CHECK_FALSE(engine().bind("SELECT ? FROM in0", kPrices).is_ok());
}

TEST_CASE("a query that does not parse is told with the place") {
  const Status status = bind_error("SELECT FROM WHERE");
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("syntax error") != std::string::npos);
}

TEST_CASE("what is no query is refused by its name") {
  CHECK(bind_error("CREATE TABLE t AS FROM in0").message() == "CREATE is not a query");
  CHECK(bind_error("INSERT INTO t FROM in0").message() == "INSERT is not a query");
  CHECK(bind_error("ATTACH 'x.db'").message() == "ATTACH is not a query");
  CHECK(bind_error("COPY in0 TO 'x'").message() == "COPY is not a query");
  CHECK(bind_error("SET threads = 1").message() == "SET is not a query");
  CHECK(bind_error("").message() == "the query is empty");
  CHECK(bind_error("SELECT 1; SELECT 2").message() == "the query holds 2 statements");
  CHECK(bind_error("PIVOT in0 ON ticker USING sum(volume)").message() == "PIVOT does not say its values");
  CHECK(bind_error("SELECT ? + 1").code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a query can't leave its parentheses") {
  CHECK(bind_error("SELECT 1) UNION ALL (SELECT 2").code() == StatusCode::kInvalidArgument);
}

TEST_CASE("statements before the query belong to it alone") {
  const std::vector<std::string> setup = {"CREATE MACRO twice(x) AS x * 2", "CREATE TABLE cheap AS FROM in0 WHERE price < 1",
                                          "SET VARIABLE cutoff = 3"};
  CHECK(value_of(engine().bind("SELECT twice(price) AS p FROM cheap", kPrices, setup)) == Schema{{"p", "DOUBLE"}});
  CHECK_FALSE(engine().bind("SELECT twice(price) FROM in0", kPrices).is_ok());
  const Status refused = engine().bind("SELECT 1", {}, {"INSTALL httpfs"}).status();
  CHECK(refused.message() == "LOAD can't stand before a query");
  CHECK_FALSE(engine().bind("SELECT 1", {}, {"SET memory_limit = '1GB'"}).is_ok());
  CHECK(engine().bind("SELECT 1", {}, {"SET TimeZone = 'Europe/Berlin'"}).is_ok());
  CHECK(engine().bind("SELECT 1", {}, {"CREATE SCHEMA s"}).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a script is split by DuckDB's parser") {
  CHECK(value_of(engine().split_statements("SELECT ';' ; -- ;\n CREATE TEMP TABLE t(a INT);SELECT $$a;b$$")) ==
        std::vector<std::string>{"SELECT ';'", "CREATE TEMP TABLE t(a INT)", "SELECT $$a;b$$"});
  CHECK(value_of(engine().split_statements("  ")).empty());
}

TEST_CASE("a query's traits are found in its plan") {
  const auto traits = [](const std::string& query) { return value_of(engine().inspect(query, kPrices)).traits; };
  const QueryTraits group = traits("SELECT ticker, count(*) FROM in0 WHERE price > 1 GROUP BY ticker");
  CHECK(group.has_aggregate);
  CHECK(group.is_grouping);
  CHECK(group.group_columns == std::vector<std::string>{"ticker"});
  CHECK(group.passed_columns == std::vector<std::pair<std::string, std::string>>{{"ticker", "ticker"}});
  CHECK(group.used_columns == std::vector<std::optional<std::vector<std::string>>>{{{"ticker", "price"}}});
  CHECK_FALSE(group.is_volatile);

  CHECK(traits("SELECT DISTINCT ticker FROM in0").has_distinct);
  CHECK(traits("SELECT *, row_number() OVER () FROM in0").has_window);
  CHECK(traits("SELECT * FROM in0 ORDER BY price").has_order);
  CHECK(traits("SELECT * FROM in0 LIMIT 3").has_limit);
  CHECK(traits("SELECT random() FROM in0").is_volatile);
  CHECK(traits("SELECT now() FROM in0").is_volatile);
  CHECK(traits("SELECT * FROM in0 USING SAMPLE 10%").is_volatile);
  CHECK(traits("SELECT * FROM glob('/*')").is_volatile);
  CHECK_FALSE(traits("SELECT range FROM range(3)").is_volatile);
  CHECK_FALSE(traits("SELECT upper(ticker) FROM in0").is_volatile);
  CHECK(traits("SELECT ticker AS t, price + 0 AS p FROM in0").passed_columns ==
        std::vector<std::pair<std::string, std::string>>{{"ticker", "t"}});
}

TEST_CASE("grouping is claimed only where groups decide the rows") {
  const auto traits = [](const std::string& query) { return value_of(engine().inspect(query, kPrices)).traits; };
  CHECK(traits("SELECT ticker, volume % 2, count(*) FROM in0 GROUP BY ALL").group_columns == std::vector<std::string>{"ticker"});
  CHECK(traits("WITH x AS (SELECT ticker, price FROM in0) SELECT ticker, max(price) FROM x GROUP BY 1 HAVING max(price) > 2")
            .is_grouping == false);
  CHECK(traits("SELECT ticker, count(*) FROM in0 GROUP BY ROLLUP (ticker)").group_columns.empty());
  CHECK_FALSE(traits("SELECT ticker, count(*) FROM in0 GROUP BY ticker LIMIT 1").is_grouping);
  CHECK_FALSE(traits("SELECT count(*) FROM (SELECT ticker FROM in0 GROUP BY ticker)").is_grouping);
  CHECK_FALSE(traits("SELECT ticker, (SELECT max(price) FROM in0) FROM in0").is_grouping);
  const QueryTraits all = traits("SELECT count(*) FROM in0");
  CHECK(all.is_grouping);
  CHECK(all.group_columns.empty());
}

TEST_CASE("a column that a join may fill with NULL is not passed on") {
  const auto passed = [](const std::string& query) { return value_of(engine().inspect(query, kTwo)).traits.passed_columns; };
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(passed("SELECT x.k, b FROM in0 x JOIN in1 y USING (k)") == Pairs{{"k", "k"}});
  CHECK(passed("SELECT x.k, b FROM in0 x LEFT JOIN in1 y ON x.k = y.k") == Pairs{{"k", "k"}});
  CHECK(passed("SELECT x.k, b FROM in0 x RIGHT JOIN in1 y ON x.k = y.k").empty());
  CHECK(passed("SELECT x.k, b FROM in0 x FULL JOIN in1 y ON x.k = y.k").empty());
  CHECK(passed("SELECT k FROM in0 UNION ALL SELECT k FROM in1").empty());
}

}  // namespace
}  // namespace millpond
