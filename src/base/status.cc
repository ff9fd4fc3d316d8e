#include "millpond/status.h"

#include <array>
#include <utility>

namespace millpond {
namespace {

// In the order of the enum's values, so that a code is an index.
constexpr std::array<std::string_view, 16> kNames = {
    "ok",          "invalid_argument", "not_found",         "already_exists", "permission_denied",
    "conflict",    "out_of_memory",    "out_of_space",      "io_error",       "data_corrupt",
    "unavailable", "cancelled",        "deadline_exceeded", "user_function",  "unsupported",
    "internal",
};

void fill(std::string& inner, const std::string& outer) {
  if (inner.empty()) inner = outer;
}

void add_line(std::string& text, std::string_view label, const std::string& value) {
  if (value.empty()) return;
  text += '\n';
  text += label;
  text += value;
}

const std::string& empty_string() {
  static const std::string empty;
  return empty;
}

}  // namespace

std::string_view status_code_name(StatusCode code) {
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : "internal";
}

StatusCode status_code_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<StatusCode>(i);
  }
  return StatusCode::kInternal;
}

Status::Status(StatusCode code, std::string message, std::string hint) {
  if (code == StatusCode::kOk) return;
  state_ = std::make_shared<const State>(State{code, std::move(message), std::move(hint), {}});
}

Status Status::invalid_argument(std::string message, std::string hint) {
  return Status(StatusCode::kInvalidArgument, std::move(message), std::move(hint));
}
Status Status::not_found(std::string message, std::string hint) {
  return Status(StatusCode::kNotFound, std::move(message), std::move(hint));
}
Status Status::already_exists(std::string message, std::string hint) {
  return Status(StatusCode::kAlreadyExists, std::move(message), std::move(hint));
}
Status Status::io_error(std::string message, std::string hint) {
  return Status(StatusCode::kIoError, std::move(message), std::move(hint));
}
Status Status::data_corrupt(std::string message, std::string hint) {
  return Status(StatusCode::kDataCorrupt, std::move(message), std::move(hint));
}
Status Status::unsupported(std::string message, std::string hint) {
  return Status(StatusCode::kUnsupported, std::move(message), std::move(hint));
}
Status Status::internal(std::string message) {
  return Status(StatusCode::kInternal, std::move(message), "This is a bug in millpond; please report it.");
}

const std::string& Status::message() const { return state_ ? state_->message : empty_string(); }
const std::string& Status::hint() const { return state_ ? state_->hint : empty_string(); }
const ErrorContext& Status::context() const {
  static const ErrorContext empty;
  return state_ ? state_->context : empty;
}

Status Status::with_context(const ErrorContext& outer) const {
  if (is_ok()) return *this;
  State state = *state_;
  fill(state.context.location, outer.location);
  fill(state.context.node, outer.node);
  fill(state.context.task, outer.task);
  fill(state.context.file, outer.file);
  fill(state.context.detail, outer.detail);
  Status result;
  result.state_ = std::make_shared<const State>(std::move(state));
  return result;
}

bool Status::is_retryable() const {
  switch (code()) {
    case StatusCode::kOutOfMemory:
    case StatusCode::kIoError:
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
      return true;
    default:
      return false;
  }
}

std::string Status::to_string() const {
  if (is_ok()) return "ok";
  std::string text = message();
  add_line(text, "  at: ", context().location);
  add_line(text, "  in: ", context().node);
  add_line(text, "  task: ", context().task);
  add_line(text, "  file: ", context().file);
  add_line(text, "", context().detail);
  add_line(text, "Hint: ", hint());
  return text;
}

bool Status::operator==(const Status& other) const {
  return code() == other.code() && message() == other.message() && hint() == other.hint() &&
         context() == other.context();
}

}  // namespace millpond
