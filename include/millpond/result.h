#pragma once

#include <optional>
#include <utility>

#include "millpond/status.h"

namespace millpond {

/// A value, or the Status that says why there is none. Never holds an OK status without a value.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) {
    if (status_.is_ok()) status_ = Status::internal("a Result was made from an OK status");
  }

  bool is_ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  /// The value; calling these without one is undefined.
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

#define MILLPOND_CONCAT_INNER(a, b) a##b
#define MILLPOND_CONCAT(a, b) MILLPOND_CONCAT_INNER(a, b)

/// Returns from the enclosing function when `expression` is a Status that is not OK.
#define MILLPOND_RETURN_IF_ERROR(expression)                             \
  do {                                                                   \
    ::millpond::Status millpond_status_ = (expression);                  \
    if (!millpond_status_.is_ok()) return millpond_status_;              \
  } while (false)

/// Declares `lhs` from a Result, or returns its Status from the enclosing function.
#define MILLPOND_ASSIGN_OR_RETURN(lhs, expression) \
  MILLPOND_ASSIGN_OR_RETURN_INNER(MILLPOND_CONCAT(millpond_result_, __LINE__), lhs, expression)
#define MILLPOND_ASSIGN_OR_RETURN_INNER(name, lhs, expression) \
  auto name = (expression);                                    \
  if (!name.is_ok()) return name.status();                     \
  lhs = std::move(name).value()

}  // namespace millpond
