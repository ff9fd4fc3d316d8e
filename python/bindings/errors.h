#pragma once

#include <nanobind/nanobind.h>

#include <utility>

#include "millpond/result.h"

namespace millpond::python {

/// Raises `status` as the exception that millpond.errors has for its code. Needs the GIL.
[[noreturn]] void raise(const Status& status);

/// What a Python exception is as a Status: one of our own keeps its code, any other is kUserFunction. Needs the GIL.
Status status_from_exception(nanobind::python_error& error);
Status status_from_exception(nanobind::handle error);

/// Raises when `status` is not OK.
inline void check(const Status& status) {
  if (!status.is_ok()) raise(status);
}

/// The value of `result`, or its status raised.
template <typename T>
T unwrap(Result<T> result) {
  if (!result.is_ok()) raise(result.status());
  return std::move(result).value();
}

}  // namespace millpond::python
