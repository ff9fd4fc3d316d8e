#include <fstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "catch.hpp"
#include "job/event_log.h"
#include "temporary_directory.h"

namespace millpond {
namespace {

std::vector<std::string> lines_after(const std::string& before) {
  TemporaryDirectory directory;
  directory.write("events.jsonl", before);
  {
    EventLog log(local_file_system(), directory / "events.jsonl", system_clock());
    log.write("one", Json::object({}));
    log.write("two", Json::object({}));
  }
  std::ifstream file(directory / "events.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("what follows a line that was cut short begins on a line of its own") {
  const auto lines = lines_after("{\"event\":\"zero\"}\n{\"event\":\"tor");
  REQUIRE(lines.size() == 4);
  CHECK(lines[1] == "{\"event\":\"tor");
  for (std::size_t i : {std::size_t{0}, std::size_t{2}, std::size_t{3}}) CHECK(Json::parse(lines[i]).is_ok());
}

TEST_CASE("a log that ends with a whole line, or is empty, gets no empty line") {
  CHECK(lines_after("{\"event\":\"zero\"}\n").size() == 3);
  CHECK(lines_after("").size() == 2);
}

}  // namespace millpond
