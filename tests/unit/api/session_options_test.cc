#include "api/session_options.h"

#include <cstdlib>

#include "catch.hpp"
#include "temporary_directory.h"

namespace millpond {
namespace {

/// A variable of the environment for the length of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

SessionOptions completed(SessionOptions options) {
  auto result = complete_options(std::move(options));
  INFO(result.status().to_string());
  REQUIRE(result.is_ok());
  return std::move(result).value();
}

StatusCode refused(const SessionOptions& options) { return complete_options(options).status().code(); }

}  // namespace

TEST_CASE("amounts of memory are numbers with units") {
  CHECK(parse_bytes("1073741824").value() == 1073741824);
  CHECK(parse_bytes("2GB").value() == 2'000'000'000);
  CHECK(parse_bytes("512 MiB").value() == 536'870'912);
  CHECK(parse_bytes("1.5kb").value() == 1500);
  for (const char* text : {"", "GB", "-1GB", "1 parsec", "1GB more"}) {
    INFO(text);
    CHECK(parse_bytes(text).status().code() == StatusCode::kInvalidArgument);
  }
}

TEST_CASE("defaults are filled in") {
  TemporaryDirectory directory;
  SessionOptions options;
  options.data_root = directory / "root";
  const SessionOptions full = completed(options);
  CHECK(full.runner == "threads");
  CHECK(full.threads > 0);
  CHECK(full.memory_limit > 0);
  CHECK(full.job_id.size() == 36);
  CHECK(full.job_id != completed(options).job_id);
}

TEST_CASE("what the caller says wins, then MILLPOND_, then SP_") {
  TemporaryDirectory directory;
  const Variable root("SP_DATA_ROOT", directory.path().c_str());
  const Variable old_runner("SP_RUNNER", "processes");
  const Variable runner("MILLPOND_RUNNER", "inline");
  const Variable memory("SP_MEMORY_LIMIT", "2GB");
  CHECK(completed({}).runner == "inline");
  CHECK(completed({}).memory_limit == 2'000'000'000);
  CHECK(completed({}).data_root == directory.path());
  SessionOptions options;
  options.runner = "threads";
  options.memory_limit = 5;
  CHECK(completed(options).runner == "threads");
  CHECK(completed(options).memory_limit == 5);
}

TEST_CASE("values that can't be are refused by name") {
  SessionOptions options;
  options.data_root = "/tmp/x";
  options.runner = "abacus";
  CHECK(refused(options) == StatusCode::kInvalidArgument);
  options.runner = "threads";
  options.threads = -1;
  CHECK(refused(options) == StatusCode::kInvalidArgument);
  options.threads = 1;
  options.job_id = "../elsewhere";
  CHECK(refused(options) == StatusCode::kInvalidArgument);
  options.job_id = "ok";
  options.scratch = "s3://bucket/x";
  CHECK(refused(options) != StatusCode::kOk);
}

TEST_CASE("a job's state may lie on a store, and its scratch folder then on this machine") {
  SessionOptions options;
  options.data_root = "s3://bucket/x/";
  CHECK(completed(options).data_root == "s3://bucket/x");
  CHECK(completed(options).scratch.front() == '/');
}

}  // namespace millpond
