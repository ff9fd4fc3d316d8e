#include "millpond/session.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "api/session_fixture.h"
#include "catch.hpp"

namespace millpond {
namespace {

SessionOptions named(const TemporaryDirectory& directory) {
  SessionOptions options;
  options.data_root = directory / "root";
  options.job_id = "nightly";
  options.threads = 2;
  options.memory_limit = 1'000'000'000;
  options.keep = true;
  return options;
}

/// How often the word stands in the job's report.
std::int64_t count(const TemporaryDirectory& directory, const std::string& word) {
  const std::string text = directory.read("root/nightly/events.jsonl");
  std::int64_t times = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++times;
  return times;
}

Result<std::int64_t> run(const std::shared_ptr<Session>& session, const std::string& expression) {
  MILLPOND_ASSIGN_OR_RETURN(DataFrame frame, session->partial_sql("SELECT i FROM range(100) r(i)", {}));
  RepartitionOptions hash;
  hash.hash_by = {"i"};
  MILLPOND_ASSIGN_OR_RETURN(frame, frame.repartition(4, hash));
  MILLPOND_ASSIGN_OR_RETURN(frame, frame.map(expression));
  MILLPOND_RETURN_IF_ERROR(frame.compute());
  return frame.count();
}

}  // namespace

TEST_CASE("a job that runs again under its name reuses what is the same") {
  TemporaryDirectory directory;
  {
    auto session = SessionFixture::value(Session::open(named(directory)));
    CHECK(SessionFixture::value(run(session, "i + 1 AS j")) == 100);
    REQUIRE(session->shutdown().is_ok());
  }
  CHECK(count(directory, "task_finished") == 5);
  {
    auto session = SessionFixture::value(Session::open(named(directory)));
    CHECK(SessionFixture::value(run(session, "i + 1 AS j")) == 100);
    REQUIRE(session->shutdown().is_ok());
  }
  CHECK(count(directory, "task_finished") == 5);
  CHECK(count(directory, "task_reused") == 5);
  {
    auto session = SessionFixture::value(Session::open(named(directory)));
    CHECK(SessionFixture::value(run(session, "i + 2 AS j")) == 100);
    REQUIRE(session->shutdown().is_ok());
  }
  CHECK(count(directory, "task_finished") == 9);
}

TEST_CASE("two sessions of one job exclude each other") {
  TemporaryDirectory directory;
  const auto session = SessionFixture::value(Session::open(named(directory)));
  CHECK(Session::open(named(directory)).status().code() == StatusCode::kConflict);
  REQUIRE(session->shutdown().is_ok());
  CHECK(Session::open(named(directory)).is_ok());
}

TEST_CASE("job state is private to the user, and a folder that others may write to is refused") {
  TemporaryDirectory directory;
  (void)SessionFixture::value(Session::open(named(directory)));
  using std::filesystem::perms;
  CHECK((std::filesystem::status(directory / "root").permissions() & perms::others_all) == perms::none);
  std::filesystem::permissions(directory / "root", perms::all);
  CHECK(Session::open(named(directory)).status().code() == StatusCode::kPermissionDenied);
}

TEST_CASE("a session that ends leaves its journal and report") {
  TemporaryDirectory directory;
  SessionOptions options = named(directory);
  options.keep = false;
  auto session = SessionFixture::value(Session::open(options));
  CHECK(SessionFixture::value(run(session, "i AS j")) == 100);
  REQUIRE(session->shutdown().is_ok());
  REQUIRE(session->shutdown().is_ok());
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(directory / "root/nightly")) {
    left.insert(entry.path().filename().string());
  }
  CHECK(left == std::set<std::string>{"events.jsonl", "journal"});
}

TEST_CASE("a session that was shut down says so") {
  TemporaryDirectory directory;
  auto session = SessionFixture::value(Session::open(named(directory)));
  const DataFrame frame = SessionFixture::value(session->partial_sql("SELECT 1 AS a", {}));
  REQUIRE(session->shutdown().is_ok());
  CHECK(frame.compute().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a cancelled job ends with that, and the next one runs") {
  TemporaryDirectory directory;
  auto session = SessionFixture::value(Session::open(named(directory)));
  session->set_progress([&](const ProgressEvent&) { session->cancel(); });
  const auto stopped = run(session, "i + 1 AS j");
  CHECK(stopped.status().code() == StatusCode::kCancelled);
  session->set_progress({});
  CHECK(SessionFixture::value(run(session, "i + 1 AS j")) == 100);
}

TEST_CASE("progress is told to its end") {
  TemporaryDirectory directory;
  auto session = SessionFixture::value(Session::open(named(directory)));
  std::vector<ProgressEvent> events;
  session->set_progress([&](const ProgressEvent& event) { events.push_back(event); });
  CHECK(SessionFixture::value(run(session, "i + 1 AS j")) == 100);
  REQUIRE_FALSE(events.empty());
  CHECK(events.back().finished);
  CHECK(events.back().tasks_done == events.back().tasks_total);
}

TEST_CASE("a file that changed since it was planned is not read") {
  SessionFixture fixture;
  fixture.directory.write("a.csv", "1\n2\n");
  ReadOptions options;
  options.schema = {{"a", "BIGINT"}};
  const DataFrame frame = fixture.value(fixture.session->read_csv({fixture.directory / "a.csv"}, options));
  const DataFrame later = fixture.value(frame.map("a + 1 AS b"));
  fixture.directory.write("a.csv", "1\n2\n3\n");
  CHECK(later.count().status().code() == StatusCode::kDataCorrupt);
}

}  // namespace millpond
