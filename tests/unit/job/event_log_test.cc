#include "job/event_log.h"

#include <algorithm>
#include <sstream>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "temporary_directory.h"

namespace millpond {

TEST_CASE("an event is a line of JSON with its time") {
  TemporaryDirectory directory;
  EventLog log(local_file_system(), directory / "events.jsonl", system_clock());
  log.write("job_started", Json::object({{"stages", 2}}));
  log.write("job_finished", Json::object({{"message", "two\nlines \"quoted\""}}));
  const std::string text = directory.read("events.jsonl");
  REQUIRE(std::count(text.begin(), text.end(), '\n') == 2);
  const auto first = Json::parse(text.substr(0, text.find('\n')));
  REQUIRE(first.is_ok());
  CHECK(first->string_or("event", "") == "job_started");
  CHECK(first->find("time") != nullptr);
  CHECK(first->find("stages")->dump() == "2");
  CHECK(log.num_dropped() == 0);
}

TEST_CASE("a log goes on behind what is there") {
  TemporaryDirectory directory;
  directory.write("events.jsonl", "{\"event\":\"old\"}\n");
  EventLog(local_file_system(), directory / "events.jsonl", system_clock()).write("new", Json::object({}));
  CHECK(directory.read("events.jsonl").rfind("{\"event\":\"old\"}\n", 0) == 0);
}

TEST_CASE("threads write whole lines") {
  TemporaryDirectory directory;
  EventLog log(local_file_system(), directory / "events.jsonl", system_clock());
  std::vector<std::thread> threads;
  for (std::int64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&log, thread] {
      for (std::int64_t i = 0; i < 50; ++i) log.write("tick", Json::object({{"thread", thread}, {"i", i}}));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream lines(directory.read("events.jsonl"));
  int whole = 0;
  for (std::string line; std::getline(lines, line);) whole += Json::parse(line).is_ok() ? 1 : 0;
  CHECK(whole == 200);
}

TEST_CASE("a log that can't be written drops lines and counts them") {
  TemporaryDirectory directory;
  EventLog log(local_file_system(), directory / "no/such/folder/events.jsonl", system_clock());
  log.write("job_started", Json::object({}));
  log.write("job_finished", Json::object({}));
  CHECK(log.num_dropped() == 2);
}

}  // namespace millpond
