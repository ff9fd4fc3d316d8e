#include "plan/node.h"

#include "catch.hpp"
#include "plan/graphviz.h"
#include "plan/sample_plans.h"

namespace millpond {

TEST_CASE("equal work on equal input has one fingerprint, other work another") {
  CHECK(scan()->fingerprint == scan()->fingerprint);
  CHECK(scan("/data/b.parquet")->fingerprint != scan()->fingerprint);
  CHECK(by_hash(scan(), 4)->fingerprint == by_hash(scan(), 4)->fingerprint);
  CHECK(by_hash(scan(), 5)->fingerprint != by_hash(scan(), 4)->fingerprint);
  CHECK(by_hash(scan(), 4, "v")->fingerprint != by_hash(scan(), 4)->fingerprint);
  CHECK(by_hash(scan("/data/b.parquet"), 4)->fingerprint != by_hash(scan(), 4)->fingerprint);
}

TEST_CASE("a fingerprint does not depend on where the user wrote it") {
  const NodePtr here = make_node(LimitOp{3}, {scan()}, scan()->schema, single_partition(), "limit", "job.py:7");
  const NodePtr there = make_node(LimitOp{3}, {scan()}, scan()->schema, single_partition(), "head", "other.py:1");
  CHECK(here->fingerprint == there->fingerprint);
}

TEST_CASE("a file that changed is other input") {
  ScanOp op = std::get<ScanOp>(scan()->op);
  op.files.front().mtime_ns = 5;
  CHECK(make_node(op, {}, scan()->schema, single_partition(), "", "")->fingerprint != scan()->fingerprint);
}

TEST_CASE("a write's mode and an append's number are part of it") {
  WriteOp op{"/out", {}, 0};
  const auto print = [&] { return make_node(op, {scan()}, Schema{}, single_partition(), "", "")->fingerprint; };
  const std::string first = print();
  op.options.mode = WriteMode::kAppend;
  const std::string second = print();
  op.sequence = 1;
  CHECK(first != second);
  CHECK(second != print());
}

TEST_CASE("values at hand keep the meaning of what they stand for") {
  const NodePtr node = by_hash(scan(), 4);
  const NodePtr ready = with_values(node, ValuesOp{{{}, {}, {}, {}}, "d"}, *node->schema);
  CHECK(ready->fingerprint == node->fingerprint);
  CHECK(ready->partitioning == node->partitioning);
  CHECK(ready->inputs.empty());
}

TEST_CASE("the same operation over other inputs is other work") {
  const NodePtr node = by_hash(scan(), 4);
  const NodePtr moved = with_inputs(node, {scan("/data/b.parquet")});
  CHECK(op_to_json(moved->op).dump() == op_to_json(node->op).dump());
  CHECK(moved->fingerprint != node->fingerprint);
  CHECK(with_inputs(node, node->inputs)->fingerprint == node->fingerprint);
}

TEST_CASE("a shared node stands once in the plan's JSON, before its readers") {
  const NodePtr base = scan();
  const NodePtr both = sql("SELECT * FROM {0} JOIN {1} USING (k)", {base, base}, {{"k", "BIGINT"}});
  const Json json = plan_to_json(both);
  const auto& nodes = json.find("nodes")->as_array();
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0].string_or("name", "") == "read_parquet");
  CHECK(nodes[1].find("inputs")->dump() == "[0,0]");
}

TEST_CASE("the tree for people has a line a node") {
  CHECK(plan_to_string(grouped_by_k(by_hash(scan(), 4))) ==
        "partial_sql [SELECT k, count(*) AS n FROM {0} GROUP BY k] → 4 partitions by hash(k)  (job.py:3)\n"
        "  repartition [4 by hash(k)] → 4 partitions by hash(k)  (job.py:2)\n"
        "    read_parquet [parquet, 1 file: /data/a.parquet] → 1 partition  (job.py:1)\n");
}

TEST_CASE("the graph quotes what the user wrote, and draws a shared node once") {
  const NodePtr base = by_hash(scan(), 4, "say \"hi\"");
  const std::string dot = plans_to_graphviz({sql("FROM {0}", {base}, *base->schema), base});
  CHECK(dot.rfind("digraph", 0) == 0);
  CHECK(dot.find("say \\\"hi\\\"") != std::string::npos);
  CHECK(dot.find("n0 -> n1") == dot.rfind("n0 -> n1"));
}

TEST_CASE("a user's function is found wherever it stands") {
  CHECK_FALSE(has_call(by_hash(scan(), 4)));
  CHECK(has_call(call(scan())));
  CHECK(has_call(by_hash(make_node(UnionOp{}, {scan(), call(scan())}, scan()->schema, single_partition(), "", ""), 2)));
}

}  // namespace millpond
