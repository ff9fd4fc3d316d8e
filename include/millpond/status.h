#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "millpond/export.h"

namespace millpond {

/// What kind of failure happened. Retry decisions look at this code and never at the message.
enum class StatusCode : std::uint8_t {
  kOk = 0,
  kInvalidArgument = 1,   ///< The caller's query, option or value is wrong. Never retried.
  kNotFound = 2,          ///< A path, column, table or partition does not exist. Never retried.
  kAlreadyExists = 3,     ///< The output exists and the mode forbids touching it. Never retried.
  kPermissionDenied = 4,  ///< The user may not read or write this. Never retried.
  kConflict = 5,          ///< Another writer won the race for the same output. Never retried.
  kOutOfMemory = 6,       ///< A memory limit was hit. Retried with more memory or fewer neighbours.
  kOutOfSpace = 7,        ///< A disk or quota is full. Never retried in place; the job can be resumed.
  kIoError = 8,           ///< The operating system or a store failed. Retried.
  kDataCorrupt = 9,       ///< A file is truncated, damaged or not what it was at planning. Never retried.
  kUnavailable = 10,      ///< A worker or server is gone for now. Retried.
  kCancelled = 11,        ///< The user or the scheduler asked to stop. Never retried.
  kDeadlineExceeded = 12, ///< The work did not end in its time. Retried.
  kUserFunction = 13,     ///< A user's Python function raised. Never retried.
  kUnsupported = 14,      ///< Legal, but this version can't do it right. Never retried.
  kInternal = 15,         ///< A belief of ours was wrong: a bug. Never retried.
};

/// The code's stable snake_case name, as used in JSON and logs ("out_of_memory").
MILLPOND_EXPORT std::string_view status_code_name(StatusCode code);

/// The inverse of status_code_name; kInternal for a name that is not known.
MILLPOND_EXPORT StatusCode status_code_from_name(std::string_view name);

/// Where an error happened, as far as it is known; empty fields are left out of the text.
struct ErrorContext {
  std::string location;  ///< The user's own source line: "job.py:12".
  std::string node;      ///< The operation: "partial_sql".
  std::string task;      ///< The task: "stage 2, partition 7".
  std::string file;      ///< The input or output file concerned.
  std::string detail;    ///< A traceback or an engine's own text, shown below the message.

  bool operator==(const ErrorContext&) const = default;
};

/// Success, or a code with one clear message, a hint what to do, and where it happened.
/// Copying is cheap. Thread-compatible: a Status may be read by several threads at once.
class [[nodiscard]] MILLPOND_EXPORT Status {
 public:
  /// Success.
  Status() = default;

  /// A failure. `hint` says what the user can do about it and may be empty.
  Status(StatusCode code, std::string message, std::string hint = {});

  static Status ok() { return {}; }
  static Status invalid_argument(std::string message, std::string hint = {});
  static Status not_found(std::string message, std::string hint = {});
  static Status already_exists(std::string message, std::string hint = {});
  static Status io_error(std::string message, std::string hint = {});
  static Status data_corrupt(std::string message, std::string hint = {});
  static Status unsupported(std::string message, std::string hint = {});
  static Status internal(std::string message);

  bool is_ok() const { return state_ == nullptr; }
  StatusCode code() const { return state_ ? state_->code : StatusCode::kOk; }
  const std::string& message() const;
  const std::string& hint() const;
  const ErrorContext& context() const;

  /// A copy whose empty context fields are filled from `outer`. What was set nearer to the cause stays.
  Status with_context(const ErrorContext& outer) const;

  /// Whether another attempt of the same work may succeed.
  bool is_retryable() const;

  /// The whole text for a person: message, where, detail, hint, each on a line of its own.
  std::string to_string() const;

  bool operator==(const Status& other) const;

 private:
  struct State {
    StatusCode code;
    std::string message;
    std::string hint;
    ErrorContext context;
  };
  std::shared_ptr<const State> state_;
};

}  // namespace millpond
