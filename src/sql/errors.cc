#include "sql/errors.h"

#include <cerrno>
#include <charconv>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

#include "base/edit_distance.h"
#include "duckdb/common/exception.hpp"
#include "sql/lines_path.h"
#include "sql/status_exception.h"

namespace millpond {
namespace {

using duckdb::ExceptionType;

std::optional<long> number_of(const duckdb::ErrorData& error, const char* key) {
  const auto found = error.ExtraInfo().find(key);
  if (found == error.ExtraInfo().end()) return std::nullopt;
  long value = 0;
  const std::string& text = found->second;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc()) return std::nullopt;
  return value;
}

StatusCode io_code(const duckdb::ErrorData& error) {
  switch (number_of(error, "errno").value_or(0)) {
    case ENOSPC:
    case EDQUOT:
      return StatusCode::kOutOfSpace;
    case EACCES:
    case EPERM:
    case EROFS:
      return StatusCode::kPermissionDenied;
    case ENOENT:
    case ENOTDIR:
      return StatusCode::kNotFound;
    default:
      return StatusCode::kIoError;
  }
}

StatusCode code_of(const duckdb::ErrorData& error) {
  switch (error.Type()) {
    case ExceptionType::OUT_OF_MEMORY:
      return StatusCode::kOutOfMemory;
    case ExceptionType::IO:
      return io_code(error);
    case ExceptionType::HTTP:
    case ExceptionType::NETWORK:
    case ExceptionType::CONNECTION:
    case ExceptionType::RESOURCE_IN_USE:
      return StatusCode::kUnavailable;
    case ExceptionType::INTERRUPT:
      return StatusCode::kCancelled;
    case ExceptionType::PERMISSION:
      return StatusCode::kPermissionDenied;
    case ExceptionType::DATA_CORRUPTION:
      return StatusCode::kDataCorrupt;
    case ExceptionType::NOT_IMPLEMENTED:
    case ExceptionType::MISSING_EXTENSION:
    case ExceptionType::AUTOLOAD:
      return StatusCode::kUnsupported;
    case ExceptionType::INTERNAL:
    case ExceptionType::FATAL:
      return StatusCode::kInternal;
    default:
      return StatusCode::kInvalidArgument;
  }
}

std::string hint_of(StatusCode code) {
  switch (code) {
    case StatusCode::kOutOfMemory:
      return "Give more memory (memory_limit=) or use more partitions.";
    case StatusCode::kOutOfSpace:
      return "Free space on the disk, then run the program again under the same job_id: it goes on where it stopped.";
    default:
      return {};
  }
}

// The line of the query that the error points at, with a caret below the place.
std::string excerpt(const QueryText& text, std::size_t position) {
  if (position < text.prefix || position - text.prefix > text.query.size()) return {};
  position -= text.prefix;
  std::size_t begin = position == 0 ? 0 : text.query.rfind('\n', position - 1);
  begin = begin == std::string::npos || position == 0 ? 0 : begin + 1;
  std::size_t end = text.query.find('\n', position);
  if (end == std::string::npos) end = text.query.size();
  constexpr std::size_t kShown = 60;  // Bytes each side: a long line is cut so that the caret stays in sight.
  if (position - begin > kShown) begin = position - kShown;
  if (end - position > kShown) end = position + kShown;
  // Never cut a UTF-8 sequence in two.
  const auto is_inner = [&](std::size_t i) {
    return i < text.query.size() && (static_cast<unsigned char>(text.query[i]) & 0xC0) == 0x80;
  };
  while (begin < position && is_inner(begin)) ++begin;
  while (end > position && is_inner(end)) --end;
  std::size_t columns = 0;
  for (std::size_t i = begin; i < position; ++i) columns += is_inner(i) ? 0 : 1;
  return text.query.substr(begin, end - begin) + "\n" + std::string(columns, ' ') + "^";
}

std::string value_or_empty(const duckdb::ErrorData& error, const char* key) {
  const auto found = error.ExtraInfo().find(key);
  return found == error.ExtraInfo().end() ? std::string() : found->second;
}

// DuckDB joins the candidates by commas and quotes each where needed.
std::vector<std::string> split_candidates(const std::string& joined) {
  std::vector<std::string> names;
  std::string name;
  bool in_quotes = false;
  for (char c : joined + ",") {
    if (c == '"') {
      in_quotes = !in_quotes;
    } else if (c == ',' && !in_quotes) {
      if (!name.empty()) names.push_back(name);
      name.clear();
    } else if (!(name.empty() && c == ' ')) {
      name += c;
    }
  }
  return names;
}

Status missing_column(const duckdb::ErrorData& error) {
  const std::string name = value_or_empty(error, "name");
  const std::vector<std::string> candidates = split_candidates(value_or_empty(error, "candidates"));
  if (candidates.empty()) return Status::invalid_argument("there is no column \"" + name + "\"");
  std::string hint;
  const std::optional<std::string> nearest = nearest_name(name, candidates);
  if (nearest.has_value()) hint = "Did you mean \"" + *nearest + "\"? ";
  // DuckDB names only the nearest ones, however few columns there are.
  hint += "Columns named most like it: ";
  for (std::size_t i = 0; i < candidates.size(); ++i) hint += (i > 0 ? ", \"" : "\"") + candidates[i] + "\"";
  return Status::invalid_argument("there is no column \"" + name + "\"", hint + ".");
}

}  // namespace

Status to_status(const duckdb::ErrorData& error, const QueryText& text) {
  if (!error.HasError()) return Status::internal("DuckDB reported a failure without an error");
  if (const std::optional<Status> thrown = thrown_status(error)) return *thrown;
  const StatusCode code = code_of(error);
  Status status = value_or_empty(error, "error_subtype") == "COLUMN_NOT_FOUND"
                      ? missing_column(error)
                      : Status(code, with_files_own_names(error.RawMessage()), hint_of(code));
  ErrorContext context;
  if (const std::optional<long> position = number_of(error, "position"); position.has_value() && *position >= 0) {
    context.detail = excerpt(text, static_cast<std::size_t>(*position));
  }
  return status.with_context(context);
}

Status exception_to_status(const std::exception& exception, const QueryText& text) {
  if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr) {
    return Status(StatusCode::kOutOfMemory, "the system gave no more memory", hint_of(StatusCode::kOutOfMemory));
  }
  return to_status(duckdb::ErrorData(exception), text);
}

}  // namespace millpond
