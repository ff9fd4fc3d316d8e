#pragma once

#include <optional>
#include <utility>

#include "duckdb/common/error_data.hpp"
#include "millpond/result.h"

namespace millpond {

/// Throws a failed Status through DuckDB: for callbacks of ours that DuckDB calls. Code, hint and context travel in the
/// exception's extra information.
[[noreturn]] void throw_status(const Status& status);

inline void throw_if_error(const Status& status) {
  if (!status.is_ok()) throw_status(status);
}

/// The value, or throw_status of why there is none.
template <typename T>
T value_or_throw(Result<T> result) {
  if (!result.is_ok()) throw_status(result.status());
  return std::move(result).value();
}

/// The Status that was thrown by throw_status, as it was; nothing for DuckDB's own errors.
std::optional<Status> thrown_status(const duckdb::ErrorData& error);

}  // namespace millpond
