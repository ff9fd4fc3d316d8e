#include <map>
#include <set>
#include <thread>

#include "catch.hpp"
#include "job/fake_engine.h"
#include "job/job.h"
#include "runner/inbox.h"
#include "runner/thread_runner.h"
#include "temporary_directory.h"

namespace millpond {
namespace {

constexpr std::int64_t kTasks = 8;

/// Two machines of two threads each, which may come and go.
class TwoPlaces final : public Runner {
 public:
  explicit TwoPlaces(RunTask run) : inbox_(std::make_shared<Inbox>()) {
    for (auto& place : runners_) place = make_thread_runner(run, 2, inbox_);
  }
  ~TwoPlaces() override { shutdown(); }

  std::int64_t slots() const override { return 4; }
  std::vector<RunnerPlace> places() override {
    std::vector<RunnerPlace> places;
    for (std::int64_t node = 0; node < 2; ++node) {
      places.push_back({node, 2, {2, 0, node == 1 ? 1.0 : 0.0, {}}, draining_.contains(node)});
    }
    return places;
  }
  Status start(Task task) override { return start_at(0, std::move(task)); }
  Status start_at(std::int64_t node, Task task) override {
    ran_at[{task.stage, task.partition}] = node;
    ++started[node];
    if (started[node] == leaves_after) draining_.insert(node);
    return runners_[static_cast<std::size_t>(node)]->start(std::move(task));
  }
  void cancel(const std::string& attempt) override {
    for (auto& place : runners_) place->cancel(attempt);
  }
  std::vector<RunnerEvent> wait(std::chrono::nanoseconds timeout) override { return inbox_->wait(timeout); }
  void wake() override { inbox_->wake(); }
  void shutdown() override {
    for (auto& place : runners_) place->shutdown();
  }

  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> ran_at;  ///< By stage and partition.
  std::map<std::int64_t, std::int64_t> started;
  std::int64_t leaves_after = -1;  ///< A machine that has started so many tasks says that it will leave.

 private:
  const std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<Runner> runners_[2];
  std::set<std::int64_t> draining_;
};

/// As many tasks read what one task each has made, and write it.
StageGraph pairs(const std::string& output) {
  StageGraph graph;
  graph.stages.resize(2);
  for (std::size_t i = 0; i < 2; ++i) {
    Stage& stage = graph.stages[i];
    stage.id = static_cast<std::int64_t>(i);
    stage.name = "stage";
    stage.query = "step " + std::to_string(i);
    stage.tasks = kTasks;
    stage.fingerprint = "f";
  }
  graph.stages[0].placement = Placement{};
  graph.stages[1].inputs = {{"in0", {{"v", "BIGINT"}}, stage_source(graph.stages[0])}};
  WriteFilesOptions options;
  options.format = "csv";
  graph.stages[1].write = StageWrite{output, options};
  return graph;
}

Status run_job(const StageGraph& graph, TwoPlaces& runner, const std::string& folder) {
  (void)local_file_system()->make_directories(folder);
  auto store = ResultStore::open(local_file_system(), folder, "engine");
  if (!store.is_ok()) return store.status();
  EventLog log(local_file_system(), folder + "/events.jsonl", system_clock());
  AttemptNames attempts;
  JobContext context;
  context.files = local_file_system();
  context.runner = &runner;
  context.store = store->get();
  context.log = &log;
  context.clock = &system_clock();
  context.attempts = &attempts;
  context.job_directory = folder;
  context.job_id = "job";
  context.task_context = "{}";
  context.scheduler.speculation = false;
  context.scheduler.placement_seconds = 1;
  Job job(graph, context);
  return job.run();
}

TEST_CASE("a task runs on the machine that has its input") {
  TemporaryDirectory directory;
  FakeEngine engine;
  TwoPlaces runner(engine.as_function());
  const Status status = run_job(pairs(directory / "out"), runner, directory / "data");
  INFO(status.to_string());
  REQUIRE(status.is_ok());
  std::int64_t near = 0;
  for (std::int64_t task = 0; task < kTasks; ++task) near += runner.ran_at[{0, task}] == runner.ran_at[{1, task}] ? 1 : 0;
  // A slot that is idle takes what is there; all else stays where it lies.
  CHECK(near >= kTasks - 2);
  CHECK(runner.started[0] > 0);
  CHECK(runner.started[1] > 0);
}

TEST_CASE("a machine that will leave gets no more tasks, and loses none") {
  TemporaryDirectory directory;
  FakeEngine engine;
  TwoPlaces runner([&](const Task& task, const std::atomic<bool>& cancel) {
    // Longer than the driver takes to see it.
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return engine.run(task, cancel);
  });
  runner.leaves_after = 2;
  const Status status = run_job(pairs(directory / "out"), runner, directory / "data");
  INFO(status.to_string());
  // Both machines leave: those tasks that were begun end, and nothing else begins.
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK(runner.started[0] == 2);
  CHECK(runner.started[1] == 2);
  CHECK(engine.num_runs == 4);
}

TEST_CASE("a task that asks for gpus goes where they are") {
  TemporaryDirectory directory;
  FakeEngine engine;
  TwoPlaces runner(engine.as_function());
  StageGraph graph = pairs(directory / "out");
  graph.stages[1].resources.gpus = 1;
  REQUIRE(run_job(graph, runner, directory / "data").is_ok());
  for (std::int64_t task = 0; task < kTasks; ++task) CHECK(runner.ran_at[{1, task}] == 1);
}

}  // namespace
}  // namespace millpond
