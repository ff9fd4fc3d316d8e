#include <memory>
#include <string>

#include "runner/gpu_numbers.h"
#include "runner/runner_harness.h"

namespace millpond {
namespace {

using Held = std::vector<std::pair<double, std::vector<int>>>;
using Numbers = std::vector<int>;

TEST_CASE("gpus are a worker's own, and parts of one are shared", "[places]") {
  CHECK(GpuNumbers(2, {}).choose(0) == Numbers{});
  CHECK(GpuNumbers(2, {}).choose(1) == Numbers{0});
  CHECK(GpuNumbers(2, {}).choose(2) == Numbers{0, 1});
  CHECK(GpuNumbers(2, Held{{1, {0}}}).choose(1) == Numbers{1});
  CHECK_FALSE(GpuNumbers(2, Held{{0.5, {0}}}).choose(2));
  CHECK_FALSE(GpuNumbers(1, {}).choose(2));
  CHECK_FALSE(GpuNumbers(0, {}).choose(0.5));
}

TEST_CASE("a part of a gpu goes where least is left", "[places]") {
  CHECK(GpuNumbers(2, Held{{0.5, {1}}}).choose(0.5) == Numbers{1});
  CHECK(GpuNumbers(2, Held{{0.75, {1}}}).choose(0.5) == Numbers{0});
  CHECK(GpuNumbers(1, Held{{0.1, {0}}, {0.1, {0}}, {0.1, {0}}}).choose(0.7) == Numbers{0});
  CHECK_FALSE(GpuNumbers(1, Held{{0.5, {0}}, {0.4, {0}}}).choose(0.2));
}

/// What a worker was started with.
std::string arguments_of(Runner& runner, std::int64_t id, Resources resources) {
  Task task = make_task(id, "arguments");
  task.resources = std::move(resources);
  REQUIRE(runner.start_at(0, std::move(task)).is_ok());
  auto ended = collect(runner, 1);
  REQUIRE(ended.size() == 1);
  return ended.begin()->second.result.directory;
}

TEST_CASE("workers have equal parts of the memory, and a task that was given more gets a worker that has more",
          "[places]") {
  ProcessRunnerOptions options = worker_options(4);
  options.memory_bytes = 4'000'000'000;
  auto runner = make_processes(options);
  CHECK(runner->places() == std::vector<RunnerPlace>{{0, 4, {4, 4'000'000'000, 0, {}}, false}});
  CHECK(arguments_of(*runner, 1, {0, 1'000'000'000, 0, {}}).find("--memory-limit 1000000000 ") != std::string::npos);
  CHECK(arguments_of(*runner, 2, {0, 500'000'000, 0, {}}).find("--memory-limit 1000000000 ") != std::string::npos);
  // All of it: the idle worker has to go first.
  CHECK(arguments_of(*runner, 3, {0, 4'000'000'000, 0, {}}).find("--memory-limit 4000000000 ") != std::string::npos);
  CHECK(arguments_of(*runner, 4, {0, 1'000'000'000, 0, {}}).find("--memory-limit 1000000000 ") != std::string::npos);
}

TEST_CASE("a worker sees the gpus that its tasks asked for, and no others", "[places]") {
  ProcessRunnerOptions options = worker_options(3);
  options.gpus = 2;
  auto runner = make_processes(options);
  CHECK(arguments_of(*runner, 1, {0, 0, 2, {}}).find("--gpus 0,1 ") != std::string::npos);
  CHECK(arguments_of(*runner, 2, {0, 0, 0, {}}).find("--gpus  ") != std::string::npos);
  // The worker that holds both has to go first.
  CHECK(arguments_of(*runner, 3, {0, 0, 0.5, {}}).find("--gpus 0 ") != std::string::npos);
  CHECK(arguments_of(*runner, 4, {0, 0, 1, {}}).find("--gpus 1 ") != std::string::npos);
}

}  // namespace
}  // namespace millpond
