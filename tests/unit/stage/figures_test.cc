#include "stage/figures.h"

#include "catch.hpp"
#include "stage/explain.h"
#include "stage/rows.h"

namespace millpond {
namespace {

TaskRecord record(double seconds, std::int64_t rows_in, bool is_reused = false) {
  TaskRecord task;
  task.has_result = true;
  task.is_reused = is_reused;
  task.metrics.seconds = seconds;
  task.metrics.rows_in = rows_in;
  task.metrics.rows_out = rows_in / 2;
  task.metrics.bytes_out = rows_in * 8;
  task.metrics.spill_bytes = rows_in > 50 ? 5000 : 0;
  return task;
}

/// Two stages: the first reads 300 rows in memory, the second all rows of the first.
StageGraph two_stages() {
  StageGraph graph;
  Stage first;
  first.name = "first";
  first.query = "SELECT a FROM in0";
  first.placement = Placement{};
  first.tasks = 4;
  SegmentSlice segment;
  segment.num_rows = 300;
  first.inputs.push_back({"in0", {{"a", "BIGINT"}}, static_source({{segment}}, {}), 1});
  Stage second = first;
  second.id = 1;
  second.inputs[0].source = gather_source(stage_source(first));
  graph.stages = {first, second};
  return graph;
}

}  // namespace

TEST_CASE("figures are of the tasks that ran") {
  const Stage stage = two_stages().stages[0];
  const StageFigures figures = stage_figures(stage, {record(1, 10), record(4, 100), record(2, 20), record(9, 40, true), {}});
  CHECK(figures.tasks_run == 3);
  CHECK(figures.tasks_reused == 1);
  CHECK(figures.tasks_unneeded == 1);
  CHECK(figures.rows_in == 170);
  CHECK(figures.rows_out == 85);
  CHECK(figures.seconds == 7);
  CHECK(figures.slowest_seconds == 4);
  CHECK(figures.median_seconds == 2);
  CHECK(figures.largest_rows_in == 100);
  CHECK(figures.median_rows_in == 20);
  CHECK(figures.spill_bytes == 5000);
}

TEST_CASE("figures stand beside the stage that they are of") {
  const StageGraph graph = two_stages();
  const StageFigures ran = stage_figures(graph.stages[0], {record(1, 10), record(4, 100), record(2, 20)});
  const StageFigures reused = stage_figures(graph.stages[1], {record(9, 40, true)});
  const std::string text = stage_graph_to_string(graph, {{120, -1}, {ran, reused}});
  CHECK(text.find("-- stage 0: first, 4 tasks, about 120 rows\n--   in0 = 1 piece in store, 300 rows\n") == 0);
  CHECK(text.find("--   ran: 130 rows in, 65 rows and 1.0 kB out; 7.00 s in 3 tasks, the slowest 4.00 s; largest task over median: "
                  "5.0 by rows in, 2.0 by time; 5.0 kB spilled\n") != std::string::npos);
  CHECK(text.find("--   ran: 40 rows in, 20 rows and 320 bytes out; results of 1 task reused\n") != std::string::npos);
}

TEST_CASE("estimates go from stage to stage until one is not known") {
  StageGraph graph = two_stages();
  const EstimateRows half = [](const Stage&, const std::vector<std::int64_t>& rows) { return Result<std::int64_t>(rows[0] / 2); };
  CHECK(estimate_stage_rows(graph, half) == std::vector<std::int64_t>{150, 75});
  graph.stages[0].call = CallSpec{};
  CHECK(estimate_stage_rows(graph, half) == std::vector<std::int64_t>{-1, -1});
  const EstimateRows fails = [](const Stage&, const std::vector<std::int64_t>&) {
    return Result<std::int64_t>(Status::internal("no"));
  };
  graph.stages[0].call.reset();
  CHECK(estimate_stage_rows(graph, fails) == std::vector<std::int64_t>{-1, -1});
}

TEST_CASE("a stage's table has a name that no query uses") {
  StageGraph graph = two_stages();
  graph.stages[1].query = "SELECT a AS stage1 FROM in0";
  const std::string text = stage_graph_to_string(graph);
  CHECK(text.find("CREATE OR REPLACE TEMP TABLE stage_0 AS") != std::string::npos);
  CHECK(text.find("SELECT \"a\" FROM stage_0") != std::string::npos);
}

}  // namespace millpond
