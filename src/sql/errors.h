#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include "duckdb/common/error_data.hpp"
#include "millpond/result.h"

namespace millpond {

/// The user's query inside the statement that was run: positions in DuckDB's errors are moved by `prefix` bytes.
struct QueryText {
  std::string query;        ///< As the user wrote it.
  std::size_t prefix = 0;   ///< Bytes of our own before it in the statement.
};

/// DuckDB's error as ours. Decided by the exception's type and, for I/O, by errno; never by its text:
///   OUT_OF_MEMORY → kOutOfMemory; IO → kOutOfSpace, kPermissionDenied, kNotFound or kIoError;
///   INTERRUPT → kCancelled; PERMISSION → kPermissionDenied; DATA_CORRUPTION → kDataCorrupt;
///   NOT_IMPLEMENTED and missing extensions → kUnsupported; INTERNAL, FATAL → kInternal; others → kInvalidArgument.
/// Where DuckDB tells a missing column, the message offers the nearest name and the hint lists the candidates. The line of
/// the query is shown in `detail` when the position is known.
Status to_status(const duckdb::ErrorData& error, const QueryText& text = {});

/// A caught exception as a Status.
Status exception_to_status(const std::exception& exception, const QueryText& text = {});

/// Calls `body`, which returns a Status or a Result, and turns what it throws into a Status.
template <typename Body>
auto without_exceptions(const QueryText& text, Body&& body) -> std::invoke_result_t<Body> {
  try {
    return std::forward<Body>(body)();
  } catch (const std::exception& exception) {
    return exception_to_status(exception, text);
  } catch (...) {
    return Status::internal("an exception of unknown type left DuckDB");
  }
}

template <typename Body>
auto without_exceptions(Body&& body) -> std::invoke_result_t<Body> {
  return without_exceptions(QueryText{}, std::forward<Body>(body));
}

}  // namespace millpond
