#include "schedule/script.h"

namespace millpond {
namespace {

SchedulerOptions without_delay() {
  SchedulerOptions options;
  options.retry_delay_seconds = 0;
  return options;
}

TEST_CASE("retry looks at the code alone", "[schedule]") {
  struct Row {
    StatusCode code;
    bool retried;
  };
  const std::vector<Row> rows = {
      {StatusCode::kInvalidArgument, false}, {StatusCode::kNotFound, false},    {StatusCode::kAlreadyExists, false},
      {StatusCode::kPermissionDenied, false}, {StatusCode::kConflict, false},   {StatusCode::kOutOfMemory, true},
      {StatusCode::kOutOfSpace, false},      {StatusCode::kIoError, true},      {StatusCode::kDataCorrupt, false},
      {StatusCode::kUnavailable, true},      {StatusCode::kCancelled, false},   {StatusCode::kDeadlineExceeded, true},
      {StatusCode::kUserFunction, false},    {StatusCode::kUnsupported, false}, {StatusCode::kInternal, false},
  };
  for (const Row& row : rows) {
    INFO(status_code_name(row.code));
    Script script({stage(0, 1)}, without_delay());
    script.begin();
    const std::string name(status_code_name(row.code));
    const std::string then = script.fail({0, 0}, 1, row.code, "retryable, unavailable, timeout");
    CHECK((then + script.pass(1)).find(row.retried ? "start 0.0 #2 @0" : "job " + name) != std::string::npos);
  }
}

TEST_CASE("a task fails the job after its first attempt and max_retries more, with all its errors", "[schedule]") {
  SchedulerOptions options = without_delay();
  options.max_retries = 2;
  Script script({stage(3, 1)}, options);
  script.begin();
  CHECK(script.fail({3, 0}, 1, StatusCode::kIoError, "first") == "drop #1");
  CHECK(script.pass(1) == "start 3.0 #2 @0");
  CHECK(script.fail({3, 0}, 2, StatusCode::kDeadlineExceeded, "second") == "drop #2");
  CHECK(script.pass(1) == "start 3.0 #3 @0");
  CHECK(script.fail({3, 0}, 3, StatusCode::kIoError, "third") == "drop #3, job io_error");
  const action::JobFinished& verdict = script.verdict();
  CHECK(verdict.status.message() == "third (the last of 3 attempts)");
  CHECK(verdict.status.context().task == "stage 3, partition 0");
  CHECK(verdict.status.context().detail == "attempt 1: first\nattempt 2: second");
  REQUIRE(verdict.errors.size() == 3);
  CHECK(verdict.errors[1].attempt == 2);
}

TEST_CASE("the same error each time is told once", "[schedule]") {
  SchedulerOptions options = without_delay();
  options.max_retries = 1;
  Script script({stage(0, 1)}, options);
  script.begin();
  script.fail({0, 0}, 1, StatusCode::kIoError);
  script.pass(1);
  script.fail({0, 0}, 2, StatusCode::kIoError);
  CHECK(script.verdict().status.message() == "it failed (the same in each of 2 attempts)");
  CHECK(script.verdict().status.context().detail.empty());
}

TEST_CASE("retries wait longer and longer", "[schedule]") {
  SchedulerOptions options;
  options.retry_delay_seconds = 1;
  options.max_retry_delay_seconds = 2;
  Script script({stage(0, 1)}, options);
  script.begin();
  CHECK_FALSE(script.scheduler().next_wakeup_ns());
  script.fail({0, 0}, 1, StatusCode::kIoError);
  REQUIRE(script.scheduler().next_wakeup_ns());
  CHECK(*script.scheduler().next_wakeup_ns() >= 750'000'000);
  CHECK(*script.scheduler().next_wakeup_ns() <= 1'250'001'000);
  CHECK(script.pass(0.7) == "");
  CHECK(script.pass(0.6) == "start 0.0 #2 @0");
  script.fail({0, 0}, 2, StatusCode::kIoError);
  CHECK(script.pass(1.4) == "");
  CHECK(script.pass(1.2) == "start 0.0 #3 @0");
  script.fail({0, 0}, 3, StatusCode::kIoError);
  CHECK(script.pass(1.4) == "");
  CHECK(script.pass(1.2) == "start 0.0 #4 @0");
}

TEST_CASE("workers' deaths are counted apart and don't wait", "[schedule]") {
  SchedulerOptions options = without_delay();
  options.max_retries = 0;
  options.max_worker_deaths = 2;
  Script script({stage(0, 1)}, options);
  script.begin();
  CHECK(script.die({0, 0}, 1) == "drop #1, start 0.0 #2 @0");
  script.join(1);
  CHECK(script.lose_worker(0) == "drop #2, start 0.0 #3 @1");
  CHECK(script.lose_worker(1) == "drop #3, job unavailable");
  CHECK(script.verdict().status.message() == "worker 1 was lost: it was unplugged (the last of 3 attempts)");
}

TEST_CASE("what a lost worker still reports is dropped, also after its return", "[schedule]") {
  Script script({stage(0, 1)});
  script.begin();
  CHECK(script.lose_worker(0) == "drop #1");
  CHECK(script.join(0) == "start 0.0 #2 @0");
  CHECK(script.ok({0, 0}, 1) == "drop #1");
  CHECK(script.join(0) == "drop #2, start 0.0 #3 @0");
  CHECK(script.ok({0, 0}, 2) == "drop #2");
  CHECK(script.ok({0, 0}, 3) == "accept 0.0 #3, finished 0, job ok");
}

TEST_CASE("a failing job cancels the rest and waits for it, but not for ever", "[schedule]") {
  SECTION("they end") {
    Script script({stage(0, 3)});
    script.begin(2);
    CHECK(script.fail({0, 0}, 1, StatusCode::kUserFunction) == "drop #1, cancel #2");
    CHECK(script.ok({0, 1}, 2) == "drop #2, job user_function");
    CHECK(script.pass(20) == "");
  }
  SECTION("they don't") {
    Script script({stage(0, 2)});
    script.begin(2);
    script.fail({0, 0}, 1, StatusCode::kUserFunction);
    CHECK(script.pass(5) == "");
    CHECK(script.pass(5) == "job user_function");
    CHECK(script.ok({0, 1}, 2) == "drop #2");
  }
  SECTION("cancelled by the user") {
    Script script({stage(0, 1)});
    script.begin();
    CHECK(script.send(event::CancelRequested{}) == "cancel #1");
    CHECK(script.lose_worker(0) == "drop #1, job cancelled");
  }
}

TEST_CASE("an attempt past its deadline is cancelled and counts as failed", "[schedule]") {
  SchedulerOptions options = without_delay();
  options.task_deadline_seconds = 8;
  options.max_retries = 1;
  Script script({stage(0, 1)}, options);
  script.begin(2);
  CHECK(script.pass(5) == "");
  CHECK(script.pass(3) == "cancel #1");
  CHECK(script.pass(0.1) == "start 0.0 #2 @0");
  CHECK(script.ok({0, 0}, 1) == "drop #1");
  CHECK(script.pass(8) == "cancel #2");
  CHECK(script.fail({0, 0}, 2, StatusCode::kCancelled) == "drop #2, job deadline_exceeded");
  CHECK(script.verdict().status.message() ==
        "the task ran longer than 8 seconds (the same in each of 2 attempts)");
}

TEST_CASE("a driver that stood still blames nobody", "[schedule]") {
  SchedulerOptions options;
  options.task_deadline_seconds = 30;
  Script script({stage(0, 1)}, options);
  script.begin();
  CHECK(script.send(event::Tick{3'600'000'000'000}) == "");
  CHECK(script.send(event::Tick{3'600'000'000'001}) == "");
  CHECK(script.send(event::Tick{5}) == "");
}

TEST_CASE("out of memory is tried again with half a worker, then alone on one", "[schedule]") {
  Script script({stage(0, 6)});
  script.begin(4, {0, 400, 0});
  CHECK(script.granted().back().memory_bytes == 100);
  CHECK(script.fail({0, 0}, 1, StatusCode::kOutOfMemory) == "drop #1");
  CHECK(script.ok({0, 1}, 2) == "accept 0.1 #2, start 0.0 #5 @0");
  CHECK(script.granted().back().memory_bytes == 200);
  CHECK(script.fail({0, 0}, 5, StatusCode::kOutOfMemory) == "drop #5");
  CHECK(script.ok({0, 2}, 3) == "accept 0.2 #3");
  CHECK(script.ok({0, 3}, 4) == "accept 0.3 #4, start 0.0 #6 @0");
  CHECK(script.granted().back().memory_bytes == 400);
  CHECK(script.fail({0, 0}, 6, StatusCode::kOutOfMemory) == "drop #6, job out_of_memory");
}

TEST_CASE("on a worker of one slot, out of memory gets one more chance", "[schedule]") {
  Script script({stage(0, 1)});
  script.begin();
  CHECK(script.fail({0, 0}, 1, StatusCode::kOutOfMemory) == "drop #1, start 0.0 #2 @0");
  CHECK(script.fail({0, 0}, 2, StatusCode::kOutOfMemory) == "drop #2, job out_of_memory");
}

TEST_CASE("workers are given no more than they have", "[schedule]") {
  StageShape large = stage(0, 3);
  large.resources = {2, 60, 0};
  Script script({large, stage(1, 2)});
  CHECK(script.begin(4, {4, 100, 0}) == "start 0.0 #1 @0, start 1.0 #2 @0");
  CHECK(script.ok({1, 0}, 2) == "accept 1.0 #2, start 1.1 #3 @0");
  CHECK(script.ok({0, 0}, 1) == "accept 0.0 #1, start 0.1 #4 @0");
}

TEST_CASE("what no worker can ever take fails the job after a while", "[schedule]") {
  SECTION("gpus") {
    StageShape gpu = stage(0, 1);
    gpu.resources.gpus = 1;
    Script script({gpu});
    CHECK(script.begin() == "");
    CHECK(script.pass(55) == "");
    CHECK(script.pass(10) == "job invalid_argument");
  }
  SECTION("no worker at all") {
    Script script({stage(0, 1)});
    script.send(event::JobStarted{});
    CHECK(script.pass(70) == "job unavailable");
  }
  SECTION("one that can joins in time") {
    StageShape gpu = stage(0, 1);
    gpu.resources.gpus = 0.5;
    Script script({gpu});
    script.begin();
    script.pass(30);
    CHECK(script.join(1, 1, {0, 0, 1}) == "start 0.0 #1 @1");
  }
}

TEST_CASE("a straggler gets a copy on another worker, and the first to end wins", "[schedule]") {
  Script script({stage(0, 4)});
  script.join(1, 2);
  CHECK(script.begin(2) == "start 0.0 #1 @0, start 0.1 #2 @1, start 0.2 #3 @0, start 0.3 #4 @1");
  script.ok({0, 0}, 1);
  script.ok({0, 1}, 2);
  CHECK(script.pass(4) == "");
  script.ok({0, 2}, 3);
  CHECK(script.pass(1) == "start 0.3 #5 @0");
  CHECK(script.pass(60) == "");
  SECTION("the copy") {
    CHECK(script.ok({0, 3}, 5) == "accept 0.3 #5, cancel #4, finished 0, job ok");
    CHECK(script.ok({0, 3}, 4) == "drop #4");
  }
  SECTION("the straggler") {
    CHECK(script.ok({0, 3}, 4) == "accept 0.3 #4, cancel #5, finished 0, job ok");
  }
  SECTION("the copy fails") {
    CHECK(script.fail({0, 3}, 5, StatusCode::kIoError) == "drop #5");
    CHECK(script.ok({0, 3}, 4) == "accept 0.3 #4, finished 0, job ok");
  }
}

TEST_CASE("one worker is never asked to race itself", "[schedule]") {
  Script script({stage(0, 4)});
  script.begin(4);
  script.ok({0, 0}, 1);
  script.ok({0, 1}, 2);
  script.ok({0, 2}, 3);
  CHECK(script.pass(100) == "");
}

TEST_CASE("a lost output is made again only if something needs it", "[schedule]") {
  Script script({stage(0, 2), stage(1, 2, {}, {0}), stage(2, 1, {1})});
  script.begin(1);
  script.ok({0, 0}, 1);
  script.ok({1, 0}, 2);
  CHECK(script.lost({0, 0}) == "");
  CHECK(script.ok({0, 1}, 3) == "accept 0.1 #3, finished 0, start 1.1 #4 @0");
  CHECK(script.lost({1, 0}) == "");
  CHECK(script.ok({1, 1}, 4) == "accept 1.1 #4, start 0.0 #5 @0");
  CHECK(script.ok({0, 0}, 5) == "accept 0.0 #5, finished 0, start 1.0 #6 @0");
}

TEST_CASE("a failure by a lost input does not count", "[schedule]") {
  SchedulerOptions options = without_delay();
  options.max_retries = 0;
  Script script({stage(0, 1), stage(1, 1, {0})}, options);
  script.begin(2);
  script.ok({0, 0}, 1);
  CHECK(script.lost({0, 0}) == "start 0.0 #3 @0");
  CHECK(script.fail({1, 0}, 2, StatusCode::kNotFound) == "drop #2");
  CHECK(script.ok({0, 0}, 3) == "accept 0.0 #3, finished 0, start 1.0 #4 @0");
}

TEST_CASE("an output that is lost again and again ends the job", "[schedule]") {
  SchedulerOptions options;
  options.max_output_losses = 2;
  Script script({stage(0, 1)}, options);
  script.begin();
  Script endless({stage(0, 1), stage(1, 1, {0})}, options);
  endless.begin(2);
  std::int64_t attempt = 0;
  endless.ok({0, 0}, ++attempt);
  ++attempt;
  for (int i = 0; i < 2; ++i) {
    endless.lost({0, 0});
    endless.ok({0, 0}, ++attempt);
  }
  CHECK(endless.lost({0, 0}) == "cancel #2");
  CHECK(endless.fail({1, 0}, 2, StatusCode::kCancelled) == "drop #2, job io_error");
  CHECK(endless.verdict().status.message() == "the output of stage 0, partition 0 was lost 3 times");
}

TEST_CASE("making an indeterminate task again voids all that was computed from it", "[schedule]") {
  Script script({stage(0, 2, {}, {}, Determinacy::kIndeterminate), stage(1, 2, {0}), stage(2, 2, {}, {1})});
  script.begin(1);
  script.ok({0, 0}, 1);
  script.ok({0, 1}, 2);
  script.ok({1, 0}, 3);
  CHECK(script.ok({2, 0}, 4) == "accept 2.0 #4, start 1.1 #5 @0");
  CHECK(script.lost({0, 1}) == "cancel #5, invalidate 1.0, invalidate 2.0");
  CHECK(script.ok({1, 1}, 5) == "drop #5, start 0.1 #6 @0");
  CHECK(script.ok({0, 1}, 6) == "accept 0.1 #6, finished 0, start 1.0 #7 @0");
  CHECK(script.ok({1, 0}, 7) == "accept 1.0 #7, start 2.0 #8 @0");
}

TEST_CASE("a result that was used and removed is not skipped when its stage is satisfied", "[schedule]") {
  Script script({stage(0, 2, {}, {}, Determinacy::kIndeterminate), stage(1, 2, {}, {0}), stage(2, 2, {}, {1}),
                 stage(3, 1, {1})});
  script.begin(1);
  script.ok({0, 0}, 1);
  script.ok({1, 0}, 2);
  CHECK(script.ok({2, 0}, 3) == "accept 2.0 #3, start 0.1 #4 @0");
  CHECK(script.lost({0, 0}) == "");
  script.satisfy(0);
  CHECK_FALSE(script.scheduler().is_skipped({0, 0}));
  CHECK(script.scheduler().is_skipped({0, 1}));
  // 2.0 was computed from the old rows, so it can't stand beside ones without them.
  CHECK(script.lost({1, 0}) == "invalidate 2.0");
  CHECK(script.ok({0, 1}, 4) == "drop #4, start 1.1 #5 @0");
  CHECK(script.ok({1, 1}, 5) == "accept 1.1 #5, start 2.1 #6 @0");
  CHECK(script.ok({2, 1}, 6) == "accept 2.1 #6, start 0.0 #7 @0");
}

TEST_CASE("a result offered again after its task was skipped is void", "[schedule]") {
  Script script({stage(0, 2, {}, {}, Determinacy::kIndeterminate), stage(1, 1, {0})});
  script.begin(1);
  script.ok({0, 0}, 1);
  script.satisfy(0);
  CHECK(script.reuse({0, 1}) == "invalidate 0.1");
}

TEST_CASE("by single partitions an indeterminate rerun voids only its own line", "[schedule]") {
  Script script({stage(0, 2, {}, {}, Determinacy::kIndeterminate), stage(1, 2, {}, {0}), stage(2, 2, {}, {1})});
  script.begin(2);
  script.ok({0, 0}, 1);
  script.ok({0, 1}, 2);
  script.ok({1, 0}, 3);
  script.ok({1, 1}, 4);
  CHECK(script.lost({1, 1}) == "");
  CHECK(script.ok({2, 0}, 5) == "accept 2.0 #5, start 1.1 #7 @0");
  CHECK(script.lost({0, 1}) == "cancel #7, cancel #6");
}

}  // namespace
}  // namespace millpond
