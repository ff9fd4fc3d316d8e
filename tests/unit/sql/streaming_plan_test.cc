#include "sql/streaming_plan.h"

#include <duckdb.hpp>

#include "catch.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/parser/parser.hpp"
#include "duckdb/planner/planner.hpp"

namespace millpond {
namespace {

template <typename Tell>
bool told(const std::string& query, const Tell& tell) {
  duckdb::DuckDB database(nullptr);
  duckdb::Connection connection(database);
  connection.Query("CREATE TABLE t AS SELECT range AS a, [range] AS l FROM range(10)");
  auto statements = connection.ExtractStatements(query);
  bool result = false;
  connection.context->RunFunctionInTransaction([&] {
    duckdb::Planner planner(*connection.context);
    planner.CreatePlan(std::move(statements[0]));
    result = tell(*planner.plan);
  });
  return result;
}

bool streams(const std::string& query) { return told(query, is_streaming); }

}  // namespace

TEST_CASE("rows that become several are seen") {
  CHECK_FALSE(told("SELECT a + 1 FROM t WHERE a > 3", may_add_rows));
  CHECK_FALSE(told("SELECT a FROM t UNION ALL SELECT a FROM t", may_add_rows));
  CHECK_FALSE(told("WITH in0 AS (SELECT * FROM t) SELECT a FROM in0", may_add_rows));
  CHECK(told("SELECT unnest(l) FROM t", may_add_rows));
  CHECK(told("SELECT a, u FROM t, unnest(l) AS x(u)", may_add_rows));
  // A join, or a function of each row: one way or the other no plan for one thread.
  for (const char* query : {"SELECT a, r FROM t, range(a) AS x(r)", "SELECT x.a FROM t x, t y"}) {
    CHECK((!streams(query) || told(query, may_add_rows)));
  }
}

TEST_CASE("rows that are handed on as they come are told from rows that are kept") {
  CHECK(streams("SELECT a + 1 FROM t WHERE a > 3"));
  CHECK(streams("SELECT a FROM t UNION ALL SELECT a FROM t"));
  CHECK(streams("SELECT unnest(l) FROM t"));
  CHECK(streams("WITH in0 AS (SELECT * FROM t) SELECT a FROM in0"));
  CHECK(streams("SELECT 1"));
  CHECK_FALSE(streams("SELECT count(*) FROM t"));
  CHECK_FALSE(streams("SELECT DISTINCT a FROM t"));
  CHECK_FALSE(streams("SELECT a FROM t ORDER BY a"));
  CHECK_FALSE(streams("SELECT row_number() OVER (ORDER BY a) FROM t"));
  CHECK_FALSE(streams("SELECT x.a FROM t x JOIN t y USING (a)"));
  CHECK_FALSE(streams("SELECT a FROM t WHERE a IN (SELECT a + 1 FROM t)"));
  CHECK_FALSE(streams("SELECT a + 1 FROM t WHERE a > (SELECT avg(a) FROM t)"));
}

}  // namespace millpond
