#include <string>
#include <vector>

#include "catch.hpp"
#include "plan/sample_plans.h"
#include "stage/planner.h"

namespace millpond {
namespace {

/// A scan of files of 1,000 bytes and 100 rows each.
NodePtr scan_of(std::int64_t files, FileFormat format = FileFormat::kParquet) {
  ScanOp op = std::get<ScanOp>(scan()->op);
  const FileSlice file = op.files.front();
  op.files.clear();
  for (std::int64_t i = 0; i < files; ++i) {
    op.files.push_back(file);
    op.files.back().path = "/data/" + std::to_string(i);
  }
  op.options.format = format;
  return make_node(op, {}, scan()->schema, single_partition(), "read", "job.py:1");
}

NodePtr row_wise(const NodePtr& input) {
  PartialSqlOp op;
  op.query = "SELECT * FROM {0} WHERE k > 1";
  op.traits.is_row_wise = true;
  return make_node(op, {input}, input->schema, input->partitioning, "filter", "job.py:2");
}

/// The first stage, when tasks are to read `bytes` each; the row groups of a file are rows 0 to 50 and 50 to 100.
Stage first_stage(const NodePtr& root, std::int64_t bytes) {
  PlannerContext context{{[](const FileSlice&) { return std::vector<RowRange>{{0, 50}, {50, 100}}; }}, bytes, 2};
  Result<StageGraph> graph = plan_stages({root}, context);
  INFO(graph.status().to_string());
  REQUIRE(graph.is_ok());
  return graph->stages.front();
}

/// What each task reads: the file's number, with the rows where not all.
std::vector<std::string> tasks_of(const Stage& stage) {
  std::vector<std::string> tasks;
  for (const auto& partition : stage.inputs.front().source->partitions) {
    std::string text;
    for (const Slice& slice : partition) {
      const auto& file = std::get<FileSlice>(slice);
      text += file.path.substr(6);
      if (file.rows) text += "[" + std::to_string(file.rows->begin) + "," + std::to_string(file.rows->end) + ")";
      text += ' ';
    }
    tasks.push_back(text);
  }
  return tasks;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("files whose rows move are read by several tasks, in order, with all threads each") {
  const Stage stage = first_stage(by_hash(scan_of(5), 3), 2500);
  CHECK(tasks_of(stage) == Texts{"0 1 2 ", "3 4 "});
  CHECK(stage.tasks == 2);
  CHECK(stage.resources.threads == 2);
  CHECK(tasks_of(first_stage(by_hash(scan_of(5), 3), 1000)) == Texts{"0 ", "1 ", "2 ", "3 ", "4 "});
}

TEST_CASE("what is small enough stays one task with its share of the threads") {
  const Stage stage = first_stage(by_hash(scan_of(5), 3), 5000);
  CHECK(stage.tasks == 1);
  CHECK(stage.resources.threads == 0);
  CHECK(first_stage(by_hash(scan_of(5), 3), 0).tasks == 1);
}

TEST_CASE("a large file is cut between its row groups, if it has any") {
  CHECK(tasks_of(first_stage(by_hash(scan_of(1), 3), 500)) == Texts{"0[0,50) ", "0[50,100) "});
  CHECK(tasks_of(first_stage(by_hash(scan_of(1), 3), 1)) == Texts{"0[0,50) ", "0[50,100) "});
  CHECK(tasks_of(first_stage(by_hash(scan_of(1, FileFormat::kCsv), 3), 500)) == Texts{"0 "});
  CHECK(tasks_of(first_stage(by_hash(scan_of(2, FileFormat::kCsv), 3), 500)) == Texts{"0 ", "1 "});
}

TEST_CASE("queries that take rows one by one go along, others keep the partition whole") {
  CHECK(first_stage(by_hash(row_wise(row_wise(scan_of(4))), 3), 1000).tasks == 4);
  const NodePtr whole = sql("SELECT k, sum(v) FROM {0} GROUP BY k", {scan_of(4)}, *scan()->schema);
  CHECK(first_stage(by_hash(whole, 3), 1000).tasks == 1);
  CHECK(first_stage(by_hash(row_wise(whole), 3), 1000).tasks == 1);
  CHECK(first_stage(row_wise(scan_of(4)), 1000).tasks == 1);
}

TEST_CASE("partitions that were dealt before stay neighbours of their own rows") {
  const Stage stage = first_stage(by_hash(dealt(scan_of(4), 2, RepartitionOp::Kind::kFiles), 3), 1000);
  CHECK(tasks_of(stage) == Texts{"0 ", "1 ", "2 ", "3 "});
}

TEST_CASE("a placement that follows from more than the row leaves the tasks as they are") {
  CHECK(first_stage(by_hash(scan_of(4), 3, "k % 2"), 1000).tasks == 1);
  RepartitionOp op;
  op.kind = RepartitionOp::Kind::kRandom;
  op.count = 3;
  const NodePtr input = scan_of(4);
  CHECK(first_stage(make_node(op, {input}, input->schema, by_hash(input, 3)->partitioning, "repartition", ""), 1000).tasks == 1);
}

}  // namespace millpond
