#include <chrono>

#include "schedule/script.h"

namespace millpond {
namespace {

TEST_CASE("a graph that makes no sense is refused with the reason", "[schedule]") {
  struct Row {
    std::vector<StageShape> stages;
    const char* message;
  };
  const std::vector<Row> rows = {
      {{stage(1, 1), stage(1, 2)}, "two stages have the number 1 or it is negative"},
      {{stage(-1, 1)}, "two stages have the number -1 or it is negative"},
      {{stage(0, 1, {7})}, "stage 0 depends on stage 7, which does not exist"},
      {{stage(0, 1, {0})}, "stage 0 depends on itself, directly or through others"},
      {{stage(0, 1, {1}), stage(1, 1, {0})}, "stage 0 depends on itself, directly or through others"},
      {{stage(0, 2), stage(1, 3, {}, {0})}, "stage 1 has 3 tasks and needs the same ones of stage 0, which has 2"},
      {{stage(0, -1)}, "stage 0 has -1 tasks; a job may have 0 to 2147483648 in all"},
  };
  for (const Row& row : rows) {
    const auto created = Scheduler::create(row.stages);
    REQUIRE_FALSE(created.is_ok());
    CHECK(created.status().code() == StatusCode::kInvalidArgument);
    CHECK(created.status().message() == row.message);
  }
}

TEST_CASE("a job without work ends when it starts", "[schedule]") {
  CHECK(Script({}).begin() == "job ok");
  CHECK(Script({stage(0, 0), stage(1, 0, {0})}).begin() == "finished 0, finished 1, job ok");
}

TEST_CASE("nothing starts before the job, and a stage of all inputs waits for all", "[schedule]") {
  Script script({stage(0, 2), stage(1, 1, {0})});
  CHECK(script.join(0, 4) == "");
  CHECK(script.send(event::JobStarted{}) == "start 0.0 #1 @0, start 0.1 #2 @0");
  CHECK(script.ok({0, 1}, 2) == "accept 0.1 #2");
  CHECK(script.ok({0, 0}, 1) == "accept 0.0 #1, finished 0, start 1.0 #3 @0");
  CHECK(script.scheduler().num_running() == 1);
  CHECK(script.ok({1, 0}, 3) == "accept 1.0 #3, finished 1, job ok");
  CHECK(script.scheduler().is_finished());
}

TEST_CASE("what is ready deeper in the graph goes first, so data is consumed before more is made", "[schedule]") {
  Script script({stage(0, 3), stage(1, 3, {}, {0}), stage(2, 1, {1})});
  CHECK(script.begin() == "start 0.0 #1 @0");
  CHECK(script.ok({0, 0}, 1) == "accept 0.0 #1, start 1.0 #2 @0");
  CHECK(script.ok({1, 0}, 2) == "accept 1.0 #2, start 0.1 #3 @0");
  CHECK(script.ok({0, 1}, 3) == "accept 0.1 #3, start 1.1 #4 @0");
}

TEST_CASE("among equals the heavier stage goes first, then the earlier", "[schedule]") {
  StageShape heavy = stage(1, 1);
  heavy.weight = 5;
  Script script({stage(0, 1), heavy, stage(2, 1)});
  CHECK(script.begin(3) == "start 1.0 #1 @0, start 0.0 #2 @0, start 2.0 #3 @0");
}

TEST_CASE("a stage may be read twice and an empty stage is no obstacle", "[schedule]") {
  Script script({stage(0, 1), stage(1, 0), stage(2, 1, {0, 0, 1}, {0})});
  CHECK(script.begin() == "finished 1, start 0.0 #1 @0");
  CHECK(script.ok({0, 0}, 1) == "accept 0.0 #1, finished 0, start 2.0 #2 @0");
}

TEST_CASE("after a resume only what missing results need is run", "[schedule]") {
  SECTION("the last stage is known: nothing") {
    Script script({stage(0, 2), stage(1, 1, {0})});
    script.reuse({1, 0});
    CHECK(script.begin() == "finished 0, finished 1, job ok");
  }
  SECTION("a result in the middle hides what is before it") {
    Script script({stage(0, 2), stage(1, 2, {}, {0}), stage(2, 2, {}, {1})});
    script.reuse({1, 0});
    script.reuse({2, 1});
    CHECK(script.begin(9) == "finished 0, finished 1, start 2.0 #1 @0");
  }
  SECTION("a result that comes later stops the attempt") {
    Script script({stage(0, 1)});
    script.begin();
    CHECK(script.reuse({0, 0}) == "cancel #1, finished 0, job ok");
    CHECK(script.ok({0, 0}, 1) == "drop #1");
  }
}

TEST_CASE("a satisfied stage cancels its rest and what only that needs", "[schedule]") {
  Script script({stage(0, 3), stage(1, 3, {}, {0}, Determinacy::kIndeterminate), stage(2, 1, {1})});
  CHECK(script.begin(2) == "start 0.0 #1 @0, start 0.1 #2 @0");
  CHECK(script.ok({0, 0}, 1) == "accept 0.0 #1, start 1.0 #3 @0");
  CHECK(script.ok({1, 0}, 3) == "accept 1.0 #3, start 0.2 #4 @0");
  CHECK(script.satisfy(1) == "cancel #4, cancel #2, finished 0, finished 1");
  CHECK(script.scheduler().is_skipped({1, 2}));
  CHECK_FALSE(script.scheduler().is_skipped({1, 0}));
  CHECK(script.fail({0, 1}, 2, StatusCode::kCancelled) == "drop #2, start 2.0 #5 @0");
  CHECK(script.ok({2, 0}, 5) == "accept 2.0 #5, finished 2, job ok");
  CHECK(script.ok({0, 2}, 4) == "drop #4");
}

TEST_CASE("the driver is told what data is still needed", "[schedule]") {
  Script script({stage(0, 2), stage(1, 2, {}, {0}), stage(2, 1, {1})});
  script.begin(2);
  script.ok({0, 0}, 1);
  CHECK(script.scheduler().is_needed({0, 0}));
  script.ok({1, 0}, 3);
  CHECK_FALSE(script.scheduler().is_needed({0, 0}));
  CHECK(script.scheduler().is_needed({1, 0}));
  CHECK(script.scheduler().is_needed({2, 0}));
  CHECK(script.scheduler().num_accepted(0) == 1);
  CHECK(script.scheduler().num_accepted(99) == 0);
  CHECK(script.lost({0, 0}) == "");
}

TEST_CASE("events about what does not exist change nothing", "[schedule]") {
  Script script({stage(0, 1)});
  script.begin();
  CHECK(script.reuse({0, 1}) == "");
  CHECK(script.reuse({5, 0}) == "");
  CHECK(script.lost({0, 0}) == "");
  CHECK(script.lost({0, -1}) == "");
  CHECK(script.satisfy(3) == "");
  CHECK(script.lose_worker(9) == "");
  CHECK(script.ok({0, 0}, 77) == "drop #77");
  CHECK(script.ok({0, 5}, 1) == "drop #1");
  CHECK(script.ok({0, 0}, 1) == "accept 0.0 #1, finished 0, job ok");
  CHECK(script.ok({0, 0}, 1) == "drop #1");
  CHECK(script.send(event::CancelRequested{}) == "");
}

TEST_CASE("8,192 by 8,192 tasks take less than 50 microseconds each", "[schedule][speed]") {
  using Steady = std::chrono::steady_clock;
  constexpr std::int64_t kTasks = 8192;
  const auto begin = Steady::now();
  auto scheduler = Scheduler::create({stage(0, kTasks), stage(1, kTasks, {0}), stage(2, kTasks, {}, {1})});
  REQUIRE(scheduler.is_ok());
  std::vector<action::Start> starts;
  std::int64_t decisions = 0;
  const auto send = [&](const Event& event) {
    for (const Action& action : scheduler->handle(event)) {
      if (const auto* start = std::get_if<action::Start>(&action)) starts.push_back(*start);
    }
  };
  for (std::int64_t worker = 0; worker < 32; ++worker) send(event::WorkerJoined{worker, 8, {}});
  send(event::JobStarted{});
  for (std::int64_t next = 0; next < std::ssize(starts); ++next, ++decisions) {
    const action::Start start = starts[static_cast<std::size_t>(next)];
    send(event::Tick{next * 1000});
    send(event::TaskFinished{start.task, start.attempt, Status::ok(), 1, false});
  }
  CHECK(scheduler->is_finished());
  CHECK(decisions == 3 * kTasks);
  const double micros = std::chrono::duration<double, std::micro>(Steady::now() - begin).count();
  INFO(micros / static_cast<double>(decisions) << " microseconds a task");
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  CHECK(micros / static_cast<double>(decisions) < 50);
#endif
}

}  // namespace
}  // namespace millpond
