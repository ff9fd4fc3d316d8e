#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"
#include "sql/engine_fixture.h"

namespace millpond {
namespace {

Engine& cutter() {
  // Never closed: when statics are destroyed, DuckDB's own thread-local state of this thread is gone already.
  static Engine* const shared = [] {
    EngineOptions options;
    options.planner = true;
    return value_of(Engine::open(options, local_file_system())).release();
  }();
  return *shared;
}

// Two large tables in many partitions, and a small one in one.
const std::vector<BoundInput> kInputs = {
    {"facts", {{"k", "BIGINT"}, {"g", "VARCHAR"}, {"x", "DOUBLE"}}, 10'000'000, 8},
    {"other", {{"k", "BIGINT"}, {"y", "INTEGER"}}, 8'000'000, 8},
    {"few", {{"g", "VARCHAR"}, {"n", "INTEGER"}}, 100, 1},
};

CutPlan cut(const std::string& query, std::int64_t partitions = 8, const std::vector<BoundInput>& inputs = kInputs) {
  return value_of(cutter().cut(query, inputs, {-1, partitions, {}}));
}

// The steps that move rows, in order: "hash(c0)", "range(c0 ASC NULLS LAST)", "gather", "limit(5)", "union".
std::vector<std::string> moves(const std::string& query, std::int64_t partitions = 8,
                               const std::vector<BoundInput>& inputs = kInputs) {
  std::vector<std::string> moves;
  for (const CutStep& step : cut(query, partitions, inputs).steps) {
    if (step.kind == CutStep::Kind::kGather) moves.emplace_back("gather");
    if (step.kind == CutStep::Kind::kLimit) moves.push_back("limit(" + std::to_string(step.rows) + ")");
    if (step.kind == CutStep::Kind::kUnion) moves.emplace_back("union");
    if (step.kind != CutStep::Kind::kHash && step.kind != CutStep::Kind::kRange) continue;
    std::string keys;
    for (std::size_t i = 0; i < step.keys.size(); ++i) {
      keys += (keys.empty() ? "" : ", ") + step.keys[i];
      if (!step.orders.empty()) keys += " " + step.orders[i];
    }
    moves.push_back((step.kind == CutStep::Kind::kHash ? "hash(" : "range(") + keys + ")");
  }
  return moves;
}

using Moves = std::vector<std::string>;

}  // namespace

TEST_CASE("what needs no other row moves none") {
  CHECK(moves("SELECT k + 1, upper(g) FROM facts WHERE x > 0").empty());
  CHECK(moves("SELECT unnest([k, 1]) FROM facts").empty());
  CHECK(moves("SELECT count(*) FROM few").empty());
}

TEST_CASE("sums of parts are computed in each partition first") {
  CHECK(moves("SELECT sum(x), count(*), avg(x) FROM facts") == Moves{"gather"});
  CHECK(moves("SELECT g, sum(x), min(k) FROM facts GROUP BY g") == Moves{"hash(g0)"});
  const CutPlan plan = cut("SELECT g, avg(x) FILTER (WHERE k > 3) FROM facts GROUP BY g");
  const bool is_partial = std::any_of(plan.steps.begin(), plan.steps.end(), [](const CutStep& step) {
    return step.query.find("FILTER (WHERE") != std::string::npos && step.query.find("count(") != std::string::npos;
  });
  CHECK(is_partial);
}

TEST_CASE("aggregates with small states hand these on") {
  CHECK(moves("SELECT stddev(x), corr(x, k), arg_min(g, x), approx_count_distinct(g) FROM facts") == Moves{"gather"});
  CHECK(moves("SELECT g, stddev(x), arg_max(k, x) FROM facts GROUP BY g") == Moves{"hash(g0)"});
  // A group's rows are fewer than the counters that stand for them.
  CHECK(moves("SELECT g, approx_count_distinct(k) FROM facts GROUP BY g") == Moves{"hash(c1)"});
  const CutPlan plan = cut("SELECT stddev(x) FILTER (WHERE k > 3) FROM facts");
  const bool is_partial = std::any_of(plan.steps.begin(), plan.steps.end(), [](const CutStep& step) {
    return step.query.find("FILTER (WHERE k1) EXPORT_STATE AS STRUCT(") != std::string::npos;
  });
  CHECK(is_partial);
}

TEST_CASE("other aggregates move the rows of a group together") {
  CHECK(moves("SELECT g, median(x) FROM facts GROUP BY g").size() == 1);
  CHECK(moves("SELECT g, median(x) FROM facts GROUP BY g")[0].starts_with("hash("));
  CHECK(moves("SELECT median(x) FROM facts") == Moves{"gather"});
}

TEST_CASE("a small table goes to the large one") {
  CHECK(moves("SELECT x, n FROM facts JOIN few USING (g)").empty());
  CHECK(moves("SELECT x FROM facts SEMI JOIN few USING (g)").empty());
  CHECK(moves("SELECT x, n FROM facts, few WHERE facts.x < few.n").empty());
}

TEST_CASE("large tables meet by their keys, once") {
  CHECK(moves("SELECT x, y FROM facts JOIN other USING (k)").size() == 2);
  CHECK(moves("SELECT k, count(*), sum(y) FROM facts JOIN other USING (k) GROUP BY k").size() == 2);
  CHECK(moves("SELECT k, max(y) OVER (PARTITION BY k ORDER BY x) FROM facts JOIN other USING (k)").size() == 2);
  CHECK(moves("SELECT a.x FROM facts a JOIN other b USING (k) LEFT JOIN facts c USING (k)").size() == 3);
}

TEST_CASE("a side is read by all when that is less work than dealing both") {
  const std::string query = "SELECT x, y FROM facts JOIN other USING (k)";
  CHECK(moves(query, 2) == Moves{"gather"});
  CHECK(moves(query, 3).size() == 2);
  // Millions of rows of two strings are too much for each task.
  const std::vector<BoundInput> wide = {{"facts", {{"k", "BIGINT"}, {"w", "VARCHAR"}, {"x", "VARCHAR"}}, 10'000'000, 8},
                                        {"other", {{"k", "BIGINT"}, {"y", "VARCHAR"}, {"z", "VARCHAR"}}, 8'000'000, 8}};
  const CutPlan plan = value_of(cutter().cut("SELECT w, x, y, z FROM facts JOIN other USING (k)", wide, {-1, 2, {}}));
  CHECK(std::ranges::count(plan.steps, CutStep::Kind::kHash, &CutStep::kind) == 2);
}

TEST_CASE("what a filter leaves is asked for before the other side moves") {
  const std::string query = "SELECT x, y FROM facts JOIN other USING (k) WHERE y % 7 = 3";
  const CutPlan asking = cut(query);
  REQUIRE(asking.questions.size() == 1);
  CHECK(asking.steps[asking.questions[0].step].kind == CutStep::Kind::kHash);
  const auto kinds = [&](std::int64_t rows, CutStep::Kind kind) {
    const CutPlan plan = value_of(cutter().cut(query, kInputs, {-1, 8, {{asking.questions[0].id, rows}}}));
    CHECK(plan.questions.empty());
    return std::ranges::count(plan.steps, kind, &CutStep::kind);
  };
  CHECK(kinds(100, CutStep::Kind::kHash) == 1);
  CHECK(kinds(100, CutStep::Kind::kGather) == 1);
  CHECK(kinds(7'000'000, CutStep::Kind::kHash) == 2);
  CHECK(kinds(7'000'000, CutStep::Kind::kGather) == 0);
}

TEST_CASE("bounds of a side's keys keep rows of the other from moving") {
  const auto query = [](const std::string& join) { return "SELECT * FROM facts " + join + " (FROM other WHERE y % 7 = 3) o ON facts.k = o.k"; };
  const auto is_filtered = [&](const std::string& join) {
    const CutPlan asking = cut(query(join));
    REQUIRE(asking.questions.size() == 1);
    const std::string& id = asking.questions[0].id;
    const CutPlan plan = value_of(cutter().cut(query(join), kInputs, {-1, 8, {{id, 7'000'000}}, {{id, {{{"17", "99999"}}, -1}}}}));
    const bool has_bounds = std::any_of(plan.steps.begin(), plan.steps.end(),
                                        [](const CutStep& step) { return step.query.find("99999") != std::string::npos; });
    CHECK(asking.questions[0].keys.has_value() == has_bounds);
    return has_bounds;
  };
  CHECK(is_filtered("JOIN"));
  CHECK(is_filtered("SEMI JOIN"));
  CHECK(!is_filtered("LEFT JOIN"));
  CHECK(!is_filtered("ANTI JOIN"));
}

TEST_CASE("of a side with few keys or many, each or a filter of all keeps rows of the other from moving") {
  const std::string side = " (SELECT * FROM other WHERE y % 7 = 3) o ON facts.k = o.k";
  const auto text = [&](const std::string& join, std::int64_t rows, std::int64_t distinct) {
    const std::string query = "SELECT * FROM facts " + join + side;
    const CutPlan asking = cut(query);
    REQUIRE(asking.questions.size() == 1);
    const std::string& id = asking.questions[0].id;
    std::string all;
    for (const CutStep& step : value_of(cutter().cut(query, kInputs, {-1, 8, {{id, rows}}, {{id, {{}, distinct}}}})).steps) all += step.query + "\n";
    return all;
  };
  const auto has = [](const std::string& all, const std::string& part) { return all.find(part) != std::string::npos; };
  CHECK(has(text("JOIN", 7'000'000, 500), "SEMI JOIN {1} ON c0 = d0"));
  CHECK(has(text("JOIN", 7'000'000, 100'000), "millpond_bloom_contains((SELECT millpond_bloom_open(f) FROM {1}), millpond_hash(c0))"));
  CHECK(has(text("RIGHT JOIN", 7'000'000, 100'000), "millpond_bloom("));
  // As many keys as there were to begin with keep nothing out; nor can rows be left out that the join shows without a match.
  CHECK(!has(text("JOIN", 7'000'000, 7'000'000), "millpond_bloom("));
  CHECK(!has(text("LEFT JOIN", 7'000'000, 100'000), "millpond_bloom("));
}

TEST_CASE("a side without rows spares the other of a join that needs both") {
  const auto reads_facts = [&](const std::string& join) {
    const std::string query = "SELECT * FROM facts " + join + " (FROM other WHERE y % 7 = 3) o ON facts.k = o.k";
    const CutPlan asking = cut(query);
    REQUIRE(asking.questions.size() == 1);
    const CutPlan plan = value_of(cutter().cut(query, kInputs, {-1, 8, {{asking.questions[0].id, 0}}}));
    std::vector<bool> is_read(plan.steps.size(), false);
    is_read.back() = true;
    for (std::size_t i = plan.steps.size(); i-- > 0;) {
      for (const std::size_t from : plan.steps[i].from) is_read[from] = is_read[from] || is_read[i];
    }
    return static_cast<bool>(is_read[0]);
  };
  CHECK(!reads_facts("JOIN"));
  CHECK(!reads_facts("SEMI JOIN"));
  CHECK(reads_facts("LEFT JOIN"));
  CHECK(reads_facts("ANTI JOIN"));
}

TEST_CASE("a join's side that decides row by row may come in parts") {
  const auto divisible = [](const std::string& query) {
    const CutPlan plan = cut(query);
    return plan.steps.back().divisible.size();
  };
  CHECK(divisible("SELECT x, y FROM facts JOIN other USING (k)") == 2);
  CHECK(divisible("SELECT x, y FROM facts LEFT JOIN other USING (k)") == 1);
  CHECK(divisible("SELECT x FROM facts ANTI JOIN other USING (k)") == 1);
  CHECK(divisible("SELECT x, y FROM facts FULL JOIN other USING (k)") == 0);
  CHECK(divisible("SELECT k, median(x) FROM facts JOIN other USING (k) GROUP BY k") == 0);
  CHECK(divisible("SELECT k, row_number() OVER (PARTITION BY k ORDER BY x) FROM facts JOIN other USING (k)") == 0);
}

TEST_CASE("of what is to be counted, the lowest comes first") {
  const CutPlan plan = cut("SELECT a.x FROM facts a JOIN (SELECT b.k, c.x FROM other b JOIN facts c USING (k) WHERE b.y % 7 = 3) d "
                           "ON a.k = d.k AND a.x = d.x");
  REQUIRE(plan.questions.size() == 1);
  CHECK(plan.steps[plan.questions[0].step].keys.size() == 1);
}

TEST_CASE("a row of an ASOF join sees all rows of the other side") {
  CHECK(moves("SELECT few.n, y FROM few ASOF JOIN other ON few.n >= other.y") == Moves{"gather"});
}

TEST_CASE("rows are sorted by ranges of their keys, few rows together") {
  CHECK(moves("SELECT x, k FROM facts ORDER BY k DESC, x NULLS FIRST") == Moves{"range(c1 DESC NULLS LAST, c0 ASC NULLS FIRST)"});
  CHECK(moves("SELECT g, count(*) AS n FROM facts GROUP BY g LIMIT 10").size() == 2);
  CHECK(moves("SELECT n FROM few ORDER BY n").empty());
  // Of what a step should compute only once, and of what would be another then, keys are sampled where its rows are put.
  const auto is_computed_once = [](const std::string& query) {
    const CutPlan plan = cut(query);
    const auto range = std::find_if(plan.steps.begin(), plan.steps.end(), [](const CutStep& step) { return step.kind == CutStep::Kind::kRange; });
    REQUIRE(range != plan.steps.end());
    return range->from[0] == range->from[1];
  };
  CHECK(is_computed_once("SELECT y FROM facts JOIN other USING (k) ORDER BY y"));
  CHECK(is_computed_once("SELECT x FROM facts ORDER BY random()"));
  CHECK(!is_computed_once("SELECT x + 1 FROM facts WHERE k > 2 ORDER BY 1"));
}

TEST_CASE("inputs that are dealt already are not dealt again") {
  const auto dealt = [](std::vector<std::string> keys, std::string identity) {
    std::vector<BoundInput> inputs = kInputs;
    inputs[0].placement = BoundInput::Placement{std::move(keys), std::move(identity), {}};
    return inputs;
  };
  const std::vector<BoundInput> by_k = dealt({"k"}, "");
  CHECK(moves("SELECT k, median(x) FROM facts GROUP BY k", 8, by_k).empty());
  CHECK(moves("SELECT k, g, count(*) FROM facts GROUP BY k, g", 8, by_k).empty());
  CHECK(moves("SELECT DISTINCT g, k FROM facts", 8, by_k).empty());
  CHECK(moves("SELECT max(x) OVER (PARTITION BY g, k) FROM facts", 8, by_k).empty());
  CHECK(moves("SELECT g, median(x) FROM facts GROUP BY g", 8, by_k) == Moves{"hash(c0)"});
  CHECK(moves("SELECT k + 1, median(x) FROM facts GROUP BY k + 1", 8, by_k).size() == 1);
  CHECK(moves("SELECT x, y FROM facts JOIN other USING (k)", 8, by_k) == Moves{"hash(c0)"});
  // A dealing of another kind serves where rows of one input come together, not for those of two.
  const std::vector<BoundInput> other_way = dealt({"k"}, "seven");
  CHECK(moves("SELECT k, median(x) FROM facts GROUP BY k", 8, other_way).empty());
  CHECK(moves("SELECT x, y FROM facts JOIN other USING (k)", 8, other_way).size() == 2);
  std::vector<BoundInput> both = other_way;
  both[1].placement = both[0].placement;
  CHECK(moves("SELECT x, y FROM facts JOIN other USING (k)", 8, both).empty());
  both[1].placement->identity = "eight";
  CHECK(moves("SELECT x, y FROM facts JOIN other USING (k)", 8, both).size() == 2);
  // Keys at the same place must be compared.
  const std::vector<BoundInput> two = dealt({"k", "g"}, "");
  CHECK(moves("SELECT k, median(x) FROM facts GROUP BY k", 8, two) == Moves{"hash(c0)"});
  CHECK(moves("SELECT g, k, median(x) FROM facts GROUP BY g, k", 8, two).empty());
  CHECK(moves("SELECT facts.x FROM facts JOIN facts AS f ON facts.k = f.k AND facts.g = f.g", 8, two).empty());
}

TEST_CASE("partitions that follow each other are sorted where they are") {
  std::vector<BoundInput> inputs = kInputs;
  inputs[0].placement = BoundInput::Placement{{"k", "x"}, "range", {{"k", "ASC NULLS LAST"}, {"x", "DESC NULLS LAST"}}};
  CHECK(moves("SELECT x FROM facts ORDER BY k", 8, inputs).empty());
  CHECK(moves("SELECT x FROM facts ORDER BY k, x DESC", 8, inputs).empty());
  CHECK(moves("SELECT x FROM facts ORDER BY k, x DESC, g", 8, inputs).empty());
  CHECK(moves("SELECT g FROM facts ORDER BY k, g", 8, inputs).size() == 1);
  CHECK(moves("SELECT x FROM facts ORDER BY k, x", 8, inputs).size() == 1);
  CHECK(moves("SELECT x FROM facts ORDER BY k DESC", 8, inputs).size() == 1);
  CHECK(moves("SELECT x FROM facts ORDER BY x DESC", 8, inputs).size() == 1);
  // Equal keys may lie in neighbours: then a further key would begin anew in each.
  inputs[0].placement->keys.clear();
  CHECK(moves("SELECT x FROM facts ORDER BY k, x DESC", 8, inputs).empty());
  CHECK(moves("SELECT x FROM facts ORDER BY k, x DESC, g", 8, inputs).size() == 1);
}

TEST_CASE("only the first rows of each partition are gathered for the first of all") {
  const CutPlan plan = cut("SELECT * FROM facts ORDER BY x DESC LIMIT 5 OFFSET 2");
  REQUIRE(plan.steps.size() == 6);
  INFO(plan.steps[3].query);
  CHECK(plan.steps[3].query.find("LIMIT CAST(7 ") != std::string::npos);
  CHECK(plan.steps[4].kind == CutStep::Kind::kGather);
  CHECK(plan.steps[5].query.find("LIMIT CAST(5 ") != std::string::npos);
}

TEST_CASE("a LIMIT takes no more rows than it gives, of the first partitions") {
  CHECK(moves("SELECT * FROM facts WHERE x > 3 LIMIT 3") == Moves{"limit(3)"});
  CHECK(moves("SELECT * FROM facts LIMIT 3 OFFSET 4") == Moves{"limit(7)"});
  CHECK(moves("SELECT count(*) FROM (SELECT * FROM facts LIMIT 1000)") == Moves{"limit(1000)"});
  CHECK(moves("SELECT * FROM facts LIMIT 10%") == Moves{"gather"});
  CHECK(moves("SELECT * FROM facts OFFSET 10") == Moves{"gather"});
  CHECK(moves("SELECT * FROM few LIMIT 3").empty());
}

TEST_CASE("DISTINCT values without groups are counted value by value") {
  CHECK(moves("SELECT count(DISTINCT g) FROM facts") == Moves{"hash(k0)", "gather"});
  CHECK(moves("SELECT count(DISTINCT g), sum(DISTINCT k), count(DISTINCT k) FILTER (WHERE x > 0), avg(x) FROM facts") ==
        Moves{"hash(k0)", "gather", "hash(k0)", "gather", "gather"});
  // Rows that take work are computed once: a step that two others read.
  const CutPlan plan = cut("SELECT count(DISTINCT y), count(DISTINCT x) FROM facts JOIN other USING (k)");
  std::vector<int> reads(plan.steps.size());
  for (const CutStep& step : plan.steps) {
    for (const std::size_t from : step.from) ++reads[from];
  }
  CHECK(std::ranges::count_if(reads, [](int times) { return times > 1; }) == 1);
  CHECK(moves("SELECT count(DISTINCT g), median(x) FROM facts") == Moves{"gather"});
  CHECK(moves("SELECT count(DISTINCT g), count(DISTINCT random()) FROM facts") == Moves{"gather"});
}

TEST_CASE("a CTE that is read twice is one step") {
  const CutPlan plan = cut("WITH c AS MATERIALIZED (SELECT k, sum(x) AS s FROM facts GROUP BY k) SELECT * FROM c JOIN c d USING (k)");
  std::vector<std::size_t> reads(plan.steps.size());
  for (const CutStep& step : plan.steps) {
    for (const std::size_t from : step.from) ++reads[from];
  }
  CHECK(reads[0] == 1);
}

TEST_CASE("the tables of a query are those that it does not define") {
  using Names = std::vector<std::string>;
  const auto names = [](const std::string& query) { return value_of(cutter().table_names(query)); };
  CHECK(names("SELECT 1").empty());
  CHECK(names("SELECT * FROM b, a JOIN c USING (x)") == Names{"a", "b", "c"});
  CHECK(names("WITH t AS (FROM t) SELECT * FROM t, u") == Names{"t", "u"});
  CHECK(names("WITH t AS (SELECT 1), u AS (FROM t) FROM u").empty());
  CHECK(names("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r, s) FROM r") == Names{"s"});
  CHECK(names("SELECT (SELECT max(a) FROM u WHERE u.k IN (FROM v)) FROM t ORDER BY (SELECT 1 FROM w)") ==
        Names{"t", "u", "v", "w"});
  CHECK(names("FROM 'x/*.parquet' UNION SELECT * FROM (FROM y)") == Names{"x/*.parquet", "y"});
  CHECK(names("PIVOT t ON a IN (1, 2) USING sum(b)") == Names{"t"});
  CHECK(names("SELECT d BETWEEN '2000-01-01' AND DATE '2001-01-01' FROM t") == Names{"t"});
  CHECK(names("SUMMARIZE t") == Names{"t"});
  CHECK_FALSE(cutter().table_names("SELECT FROM WHERE").is_ok());
}

TEST_CASE("what filters a scan filters the rows of a step") {
  for (const char* condition : {"x > 0.5", "k IN (1, 5, 9)", "g LIKE 'a%' OR g IS NULL", "abs(k) % 7 = 2", "k > 3 AND g <> 'b'"}) {
    const CutPlan plan = cut(std::string("SELECT k FROM facts WHERE ") + condition);
    INFO(condition << ": " << plan.steps.back().query);
    CHECK(plan.steps.back().query.find("WHERE") != std::string::npos);
  }
  // Bounds that the top-N hands to the scan as it runs are none of the plan's.
  CHECK(cut("SELECT k FROM facts ORDER BY k LIMIT 3").steps.front().query.find("WHERE") == std::string::npos);
}

TEST_CASE("what only a filter reads does not move") {
  const CutPlan plan = cut("SELECT y, count(*) FROM facts JOIN other USING (k) WHERE g LIKE '%a%' AND x > 3 GROUP BY y");
  const auto dealt = std::find_if(plan.steps.begin(), plan.steps.end(), [](const CutStep& step) {
    return step.query.find("WHERE") != std::string::npos;
  });
  REQUIRE(dealt != plan.steps.end());
  INFO(dealt->query);
  REQUIRE(dealt->schema.size() == 1);
  CHECK(dealt->schema[0].type == "BIGINT");
  CHECK(dealt->query.find(" g") != std::string::npos);
}

TEST_CASE("statistics of files make DuckDB's guesses better, and say nothing that is not so") {
  const TestFolder folder;
  std::vector<FileSlice> files;
  for (const char* start : {"0", "500"}) {
    const std::string query = std::string("SELECT range + ") + start + " AS k, 'g' || range % 3 AS g FROM range(500)";
    const std::string path = folder / start;
    files.push_back(file_slice(path + "/" + run(cutter(), parquet_task(query, path)).files[0].path));
  }
  const Engine::FileSet set = value_of(cutter().describe(files, {}, {}));
  BoundInput input{"t", set.schema, 1000, 2, value_of(cutter().column_statistics(set.files, set.options))};
  REQUIRE(input.statistics.size() == 2);
  CHECK(value_of(cutter().estimate_rows("SELECT k FROM t WHERE k = 7", {input})) == 1);
  CHECK(value_of(cutter().estimate_rows("SELECT k FROM t WHERE k = 1000", {input})) == 0);
  const CutPlan plan = value_of(cutter().cut("SELECT g FROM t WHERE k < 2000 AND g = 'g1'", {input}, {}));
  CHECK(plan.steps.back().query.find("2000") == std::string::npos);
  input.statistics.clear();
  CHECK(value_of(cutter().estimate_rows("SELECT k FROM t WHERE k = 7", {input})) == 200);
}

}  // namespace millpond
