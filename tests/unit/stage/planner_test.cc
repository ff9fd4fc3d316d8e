#include "stage/explain.h"
#include "stage/planner.h"

#include "catch.hpp"
#include "plan/sample_plans.h"

namespace millpond {
namespace {

StageGraph planned(const std::vector<NodePtr>& roots) {
  const PlannerContext context{{[](const FileSlice&) { return std::vector<RowRange>{{0, 50}, {50, 100}}; }}};
  Result<StageGraph> graph = plan_stages(roots, context);
  INFO(graph.status().to_string());
  REQUIRE(graph.is_ok());
  return std::move(graph).value();
}

NodePtr projection(const NodePtr& input) { return sql("SELECT v FROM {0}", {input}, {{"v", "BIGINT"}}); }

NodePtr limited(const NodePtr& input, std::int64_t count) {
  return make_node(LimitOp{count}, {input}, input->schema, single_partition(), "limit", "");
}

NodePtr written(const NodePtr& input, WriteFilesOptions options = {}) {
  return make_node(WriteOp{"/out", std::move(options), 0}, {input}, Schema{{"path", "VARCHAR"}}, input->partitioning,
                   "write_parquet", "");
}

}  // namespace

TEST_CASE("files at rest need no work") {
  const StageGraph graph = planned({scan()});
  CHECK(graph.stages.empty());
  CHECK(graph.roots.front().source->kind == Source::Kind::kStatic);
  CHECK(planned({dealt(scan(), 2, RepartitionOp::Kind::kFiles)}).stages.empty());
  CHECK(planned({dealt(scan(), 7, RepartitionOp::Kind::kRows)}).stages.empty());
}

TEST_CASE("queries one over the other are one stage") {
  const StageGraph graph = planned({projection(projection(scan()))});
  REQUIRE(graph.stages.size() == 1);
  CHECK(graph.stages.front().tasks == 1);
  CHECK(graph.stages.front().query.find("WITH s0") == 0);
}

TEST_CASE("an exchange ends a stage; its readers are as many as its partitions") {
  const StageGraph graph = planned({projection(by_hash(sql("SELECT k, v FROM {0}", {scan()}, *scan()->schema), 5))});
  REQUIRE(graph.stages.size() == 2);
  CHECK(graph.stages[0].placement->kind == Placement::Kind::kHash);
  CHECK(graph.stages[0].placement->keys == std::vector<std::string>{"k"});
  CHECK(graph.stages[1].tasks == 5);
  CHECK(graph.stages[1].inputs.front().source->is_shuffled);
}

TEST_CASE("a computed key is a column for the exchange alone, under a name that no column has") {
  NodePtr input = sql("SELECT k, v AS __millpond_key_0 FROM {0}", {scan()},
                      {{"k", "BIGINT"}, {"__millpond_key_0", "BIGINT"}});
  const StageGraph graph = planned({by_hash(input, 3, "k % 2")});
  const Placement& placement = *graph.stages.front().placement;
  CHECK(placement.keys == std::vector<std::string>{"__millpond_key_0_"});
  CHECK(placement.dropped_columns == placement.keys);
}

TEST_CASE("what two readers share is computed once") {
  const NodePtr shared = projection(by_hash(scan(), 3));
  const StageGraph graph = planned({projection(shared), limited(shared, 1)});
  std::int64_t reads = 0;
  for (const Stage& stage : graph.stages) reads += stage.name == "repartition" ? 1 : 0;
  CHECK(reads == 1);
  CHECK(graph.roots.size() == 2);
}

TEST_CASE("one partition beside many is read by every task") {
  const NodePtr small = sql("SELECT k FROM {0}", {scan("/data/small.parquet")}, {{"k", "BIGINT"}});
  const NodePtr joined = sql("SELECT * FROM {0} JOIN {1} USING (k)", {by_hash(scan(), 4), small}, {{"k", "BIGINT"}});
  const StageGraph graph = planned({joined});
  const Stage& stage = graph.stages.back();
  REQUIRE(stage.inputs.size() == 2);
  CHECK_FALSE(stage.inputs[0].is_broadcast());
  CHECK(stage.inputs[1].is_broadcast());
  CHECK(stage.tasks == 4);
}

TEST_CASE("statements before a query have a stage of their own, over relations") {
  PartialSqlOp op;
  op.query = "SELECT * FROM x";
  op.setup = {"CREATE TEMP TABLE x AS FROM {0}"};
  const NodePtr input = by_hash(scan(), 3);
  const NodePtr node = make_node(op, {projection(input)}, Schema{{"v", "BIGINT"}}, input->partitioning, "partial_sql", "");
  const StageGraph graph = planned({projection(node)});
  REQUIRE(graph.stages.size() == 4);
  CHECK(graph.stages[2].setup == std::vector<std::string>{"CREATE TEMP TABLE x AS FROM in0"});
  CHECK(graph.stages[2].query == "SELECT * FROM x");
  CHECK(graph.stages[3].setup.empty());
}

TEST_CASE("a limit over partitions takes from each, then from all, and may stop early") {
  const StageGraph graph = planned({limited(dealt(scan(), 4, RepartitionOp::Kind::kRows), 7)});
  REQUIRE(graph.stages.size() == 2);
  CHECK(graph.stages[0].tasks == 4);
  CHECK(graph.stages[0].early_stop_rows == 7);
  CHECK(graph.stages[1].tasks == 1);
  CHECK(planned({limited(scan(), 7)}).stages.size() == 1);
}

TEST_CASE("a function is a stage with one task a partition") {
  const StageGraph graph = planned({call(by_hash(scan(), 3))});
  const Stage& stage = graph.stages.back();
  CHECK(stage.tasks == 3);
  CHECK(stage.call->function_digest == "digest");
  CHECK_FALSE(stage.call->schema.has_value());
}

TEST_CASE("a write to one file gathers, a write to a folder has one task a partition") {
  WriteFilesOptions single;
  single.single_file = true;
  CHECK(planned({written(by_hash(scan(), 3))}).stages.back().tasks == 3);
  CHECK(planned({written(by_hash(scan(), 3), single)}).stages.back().tasks == 1);
}

TEST_CASE("a sorted write sorts in its own query") {
  WriteFilesOptions sorted;
  sorted.sort_by = {"v DESC"};
  CHECK(planned({written(scan(), sorted)}).stages.back().query == "SELECT * FROM in0 ORDER BY v DESC");
}

TEST_CASE("dealing by rows what nobody has counted computes it first") {
  ScanOp op = std::get<ScanOp>(scan()->op);
  op.options.format = FileFormat::kCsv;
  op.files.front().num_rows = -1;
  const NodePtr csv = make_node(op, {}, scan()->schema, single_partition(), "read_csv", "");
  const StageGraph graph = planned({projection(dealt(csv, 3, RepartitionOp::Kind::kRows))});
  REQUIRE(graph.stages.size() == 2);
  CHECK(graph.stages[0].tasks == 1);
  CHECK(graph.stages[1].tasks == 3);
}

TEST_CASE("parts of a union that are read in unlike ways stay apart") {
  const NodePtr both = make_node(UnionOp{}, {sql("SELECT k, v FROM {0}", {scan()}, *scan()->schema), scan()}, scan()->schema,
                                 other_partitioning(Partitioning::Kind::kUnknown, 2, "union"), "union", "");
  const StageGraph graph = planned({projection(both)});
  CHECK(graph.stages.back().tasks == 2);
  CHECK(planned({dealt(both, 3, RepartitionOp::Kind::kRows)}).stages.size() == 2);
}

TEST_CASE("the stages of a plan can be read") {
  const std::string text = stage_graph_to_string(planned({projection(by_hash(scan(), 5))}));
  CHECK(text.find("-- stage 0: repartition, 1 task  (job.py:2)") == 0);
  CHECK(text.find("exchange, 5 partitions by hash(k)") != std::string::npos);
  CHECK(text.find("SELECT v FROM in0") != std::string::npos);
}

}  // namespace millpond
