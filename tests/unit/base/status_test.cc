#include "millpond/status.h"

#include "catch.hpp"
#include "millpond/result.h"

namespace millpond {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Status::invalid_argument("odd");
  return value / 2;
}

Result<int> quarter(int value) {
  MILLPOND_ASSIGN_OR_RETURN(const int first, half(value));
  MILLPOND_RETURN_IF_ERROR(half(first).status());
  return half(first);
}

}  // namespace

TEST_CASE("each code has a name that leads back to it") {
  for (int i = 0; i <= static_cast<int>(StatusCode::kInternal); ++i) {
    const auto code = static_cast<StatusCode>(i);
    CHECK(status_code_from_name(status_code_name(code)) == code);
  }
  CHECK(status_code_name(StatusCode::kDeadlineExceeded) == "deadline_exceeded");
  CHECK(status_code_from_name("new in a later version") == StatusCode::kInternal);
}

TEST_CASE("only failures that may pass are retried") {
  for (int i = 0; i <= static_cast<int>(StatusCode::kInternal); ++i) {
    const auto code = static_cast<StatusCode>(i);
    const bool expected = code == StatusCode::kOutOfMemory || code == StatusCode::kIoError ||
                          code == StatusCode::kUnavailable || code == StatusCode::kDeadlineExceeded;
    CHECK(Status(code, "x").is_retryable() == expected);
  }
}

TEST_CASE("context is filled from outside and what is nearer to the cause stays") {
  const Status inner = Status::io_error("read failed", "try again").with_context({"", "", "", "a", ""});
  const Status outer = inner.with_context({"job.py:12", "map", "stage 1, partition 2", "b", "EIO"});
  CHECK(outer.context() == ErrorContext{"job.py:12", "map", "stage 1, partition 2", "a", "EIO"});
  CHECK(outer.to_string() ==
        "read failed\n  at: job.py:12\n  in: map\n  task: stage 1, partition 2\n  file: a\nEIO\nHint: try again");
  CHECK(inner.to_string() == "read failed\n  file: a\nHint: try again");
  CHECK(inner.context().location.empty());
  CHECK(Status::ok().with_context({"job.py:12", "", "", "", ""}).is_ok());
  CHECK(Status().to_string() == "ok");
  CHECK(Status(StatusCode::kOk, "ignored") == Status::ok());
}

TEST_CASE("a result holds a value or a failure, never neither") {
  CHECK(*quarter(8) == 2);
  CHECK(quarter(6).status().code() == StatusCode::kInvalidArgument);
  CHECK(Result<int>(Status::ok()).status().code() == StatusCode::kInternal);
}

}  // namespace millpond
