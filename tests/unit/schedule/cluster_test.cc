// Workers that differ, come and go; where tasks run.

#include <utility>

#include "catch.hpp"
#include "schedule/script.h"

namespace millpond {
namespace {

Resources with_memory(std::int64_t bytes) {
  Resources resources;
  resources.memory_bytes = bytes;
  return resources;
}

Resources with_custom(const std::string& name, double amount) {
  Resources resources;
  resources.custom[name] = amount;
  return resources;
}

std::string join(Script& script, std::int64_t worker, std::int64_t slots, std::int64_t node, Resources resources = {}) {
  return script.send(event::WorkerJoined{worker, slots, std::move(resources), node});
}

/// Two nodes with a worker each, and the job begun.
std::string begin_two(Script& script, std::int64_t slots = 1) {
  std::string text = join(script, 0, slots, 0);
  text += join(script, 1, slots, 1);
  return text + script.send(event::JobStarted{});
}

TEST_CASE("a task runs on the node that holds its input from outside") {
  Script script({stage(0, 4)});
  script.send(event::TaskHint{{0, 0}, 0, 1});
  script.send(event::TaskHint{{0, 1}, 0, 1});
  script.send(event::TaskHint{{0, 2}, 0, 0});
  CHECK(begin_two(script) == "start 0.2 #1 @0, start 0.0 #2 @1");
  CHECK(script.ok({0, 0}, 2) == "accept 0.0 #2, start 0.1 #3 @1");
  CHECK(script.ok({0, 2}, 1) == "accept 0.2 #1, start 0.3 #4 @0");
}

TEST_CASE("no slot stays idle for the sake of locality") {
  Script script({stage(0, 3)});
  for (std::int64_t i = 0; i < 3; ++i) script.send(event::TaskHint{{0, i}, 0, 1});
  CHECK(begin_two(script) == "start 0.0 #1 @1, start 0.1 #2 @0");
}

TEST_CASE("a task runs where the task of the same number made its input") {
  Script script({stage(0, 2), stage(1, 2, {}, {0})});
  CHECK(begin_two(script) == "start 0.0 #1 @0, start 0.1 #2 @1");
  CHECK(script.ok({0, 1}, 2) == "accept 0.1 #2, start 1.1 #3 @1");
  CHECK(script.ok({0, 0}, 1) == "accept 0.0 #1, finished 0, start 1.0 #4 @0");
}

TEST_CASE("the larger of two inputs decides where a task runs") {
  Script script({stage(0, 1), stage(1, 1), stage(2, 1, {}, {0, 1})});
  CHECK(begin_two(script) == "start 0.0 #1 @0, start 1.0 #2 @1");
  script.send(event::TaskFinished{{0, 0}, 1, Status::ok(), 1, false, 100});
  const std::string text = script.send(event::TaskFinished{{1, 0}, 2, Status::ok(), 1, false, 900});
  CHECK(text == "accept 1.0 #2, finished 1, start 2.0 #3 @1");
}

TEST_CASE("the heavier task of a stage goes first") {
  Script script({stage(0, 3)});
  script.send(event::TaskHint{{0, 1}, 10, -1});
  script.send(event::TaskHint{{0, 2}, 30, -1});
  script.send(event::TaskHint{{0, 0}, 20, -1});
  CHECK(script.begin() == "start 0.2 #1 @0");
  CHECK(script.ok({0, 2}, 1) == "accept 0.2 #1, start 0.0 #2 @0");
  CHECK(script.ok({0, 0}, 2) == "accept 0.0 #2, start 0.1 #3 @0");
}

TEST_CASE("custom resources are counted, shared and never promised twice") {
  StageShape shape = stage(0, 4);
  shape.resources = with_custom("tpu", 0.5);
  Script script({shape});
  script.send(event::WorkerJoined{0, 4, {}, 0});
  CHECK(script.send(event::JobStarted{}) == "");
  CHECK(join(script, 1, 4, 1, with_custom("tpu", 1)) == "start 0.0 #1 @1, start 0.1 #2 @1");
  CHECK(script.ok({0, 0}, 1) == "accept 0.0 #1, start 0.2 #3 @1");
}

TEST_CASE("what no worker has is named") {
  StageShape shape = stage(0, 1);
  shape.resources = with_custom("tpu", 0.5);
  shape.resources.gpus = 2;
  Script script({shape});
  script.begin();
  CHECK(script.pass(70) == "job invalid_argument");
  CHECK(script.verdict().status.message() == "stage 0 asks for 2 gpus, 0.5 tpu a task, and no worker has them");
}

TEST_CASE("a task waits for a worker with the memory it asks for, if there is one") {
  StageShape shape = stage(0, 2);
  shape.resources = with_memory(800);
  Script script({shape});
  join(script, 0, 2, 0, with_memory(500));
  join(script, 1, 2, 1, with_memory(1000));
  CHECK(script.send(event::JobStarted{}) == "start 0.0 #1 @1");
  CHECK(script.ok({0, 0}, 1) == "accept 0.0 #1, start 0.1 #2 @1");
  CHECK(script.granted().back().memory_bytes == 800);
}

TEST_CASE("without a worker that has it, a task gets all the memory of a smaller one") {
  StageShape shape = stage(0, 1);
  shape.resources = with_memory(800);
  Script script({shape});
  join(script, 0, 2, 0, with_memory(500));
  CHECK(script.send(event::JobStarted{}) == "start 0.0 #1 @0");
  CHECK(script.granted().back().memory_bytes == 500);
}

TEST_CASE("what fails for memory on a whole worker goes to a larger one, and then fails with advice") {
  Script script({stage(0, 1)});
  join(script, 0, 1, 0, with_memory(400'000'000));
  CHECK(script.send(event::JobStarted{}) == "start 0.0 #1 @0");
  CHECK(script.fail({0, 0}, 1, StatusCode::kOutOfMemory) == "drop #1, start 0.0 #2 @0");
  join(script, 1, 1, 1, with_memory(900'000'000));
  CHECK(script.fail({0, 0}, 2, StatusCode::kOutOfMemory) == "drop #2, start 0.0 #3 @1");
  CHECK(script.fail({0, 0}, 3, StatusCode::kOutOfMemory) == "drop #3, job out_of_memory");
  CHECK(script.verdict().errors.size() == 3);
  CHECK(script.verdict().status.hint() ==
        "it had 900 MB; make the tasks smaller with more partitions, or give them workers with more memory");
}

TEST_CASE("several tasks that need whole workers get them at the same time") {
  Script script({stage(0, 4)});
  for (std::int64_t worker = 0; worker < 4; ++worker) join(script, worker, 1, worker, with_memory(100));
  CHECK(script.send(event::JobStarted{}) == "start 0.0 #1 @0, start 0.1 #2 @1, start 0.2 #3 @2, start 0.3 #4 @3");
  CHECK(script.fail({0, 0}, 1, StatusCode::kOutOfMemory) == "drop #1, start 0.0 #5 @0");
  CHECK(script.fail({0, 1}, 2, StatusCode::kOutOfMemory) == "drop #2, start 0.1 #6 @1");
}

TEST_CASE("a worker that will leave gets nothing new, and what runs there may end") {
  Script script({stage(0, 3)});
  CHECK(begin_two(script) == "start 0.0 #1 @0, start 0.1 #2 @1");
  CHECK(script.send(event::WorkerDraining{1}) == "");
  CHECK(script.ok({0, 1}, 2) == "accept 0.1 #2");
  CHECK(script.lose_worker(1) == "");
  CHECK(script.ok({0, 0}, 1) == "accept 0.0 #1, start 0.2 #3 @0");
  CHECK(script.ok({0, 2}, 3) == "accept 0.2 #3, finished 0, job ok");
}

TEST_CASE("a job whose workers all will leave waits for others, but not for ever") {
  Script script({stage(0, 1)});
  join(script, 0, 1, 0);
  script.send(event::WorkerDraining{0});
  CHECK(script.send(event::JobStarted{}) == "");
  CHECK(script.pass(70) == "job unavailable");
}

TEST_CASE("a node that joins during a job takes part at once") {
  Script script({stage(0, 3)});
  CHECK(script.begin() == "start 0.0 #1 @0");
  CHECK(join(script, 7, 2, 3) == "start 0.1 #2 @7, start 0.2 #3 @7");
}

TEST_CASE("a stage takes no more slots than it may") {
  StageShape shape = stage(0, 4);
  shape.max_running = 2;
  Script script({shape, stage(1, 1)});
  CHECK(script.begin(4) == "start 0.0 #1 @0, start 0.1 #2 @0, start 1.0 #3 @0");
  CHECK(script.ok({0, 1}, 2) == "accept 0.1 #2, start 0.2 #4 @0");
  CHECK(script.fail({0, 0}, 1, StatusCode::kOutOfMemory) == "drop #1, start 0.0 #5 @0");
}

TEST_CASE("a copy runs on another node, not only on another worker") {
  Script script({stage(0, 4)});
  script.send(event::Tick{1000});
  join(script, 0, 1, 0);
  join(script, 1, 1, 0);
  script.send(event::JobStarted{});
  join(script, 2, 2, 1);
  CHECK(script.ok({0, 0}, 1) == "accept 0.0 #1");
  CHECK(script.ok({0, 2}, 3) == "accept 0.2 #3");
  CHECK(script.ok({0, 3}, 4) == "accept 0.3 #4");
  CHECK(script.pass(5) == "start 0.1 #5 @2");
}

TEST_CASE("a stage's last attempts are copied before they are late, where another node is idle") {
  StageShape shape = stage(0, 4);
  const auto tail = [&shape](std::int64_t other_node) {
    Script script({shape});
    script.send(event::Tick{1000});
    join(script, 0, 4, 0);
    script.send(event::JobStarted{});
    join(script, 1, 1, other_node);
    script.pass(5);
    for (std::int64_t i = 0; i < 3; ++i) script.ok({0, i}, i + 1, 10);
    return script.pass(0.5) + script.pass(2);
  };
  CHECK(tail(1) == "start 0.3 #5 @1");
  CHECK(tail(0) == "");
  shape.max_running = 8;
  CHECK(tail(1) == "");
}

TEST_CASE("a lost output is made twice at once where slots are idle, since everything waits for it") {
  Script script({stage(0, 2), stage(1, 2, {0})});
  script.send(event::Tick{1000});
  begin_two(script);
  script.ok({0, 0}, 1);
  CHECK(script.ok({0, 1}, 2) == "accept 0.1 #2, finished 0, start 1.0 #3 @0, start 1.1 #4 @1");
  CHECK(script.lose_worker(0) == "drop #3");
  script.send(event::OutputLost{{0, 0}});
  CHECK(join(script, 5, 2, 5) == "start 0.0 #5 @5");
  CHECK(script.fail({1, 1}, 4, StatusCode::kNotFound) == "drop #4");
  CHECK(script.pass(1) == "start 0.0 #6 @1");
  CHECK(script.ok({0, 0}, 6) == "accept 0.0 #6, cancel #5, finished 0, start 1.0 #7 @1, start 1.1 #8 @5");
}

}  // namespace
}  // namespace millpond
