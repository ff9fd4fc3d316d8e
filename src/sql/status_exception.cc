#include "sql/status_exception.h"

#include <string>

#include "duckdb/common/exception.hpp"

namespace millpond {
namespace {

constexpr const char* kCode = "millpond_code";
constexpr const char* kMessage = "millpond_message";
constexpr const char* kHint = "millpond_hint";
constexpr const char* kFile = "millpond_file";
constexpr const char* kDetail = "millpond_detail";

std::string text_of(const duckdb::ErrorData& error, const char* key) {
  const auto found = error.ExtraInfo().find(key);
  return found == error.ExtraInfo().end() ? std::string() : found->second;
}

}  // namespace

void throw_status(const Status& status) {
  duckdb::unordered_map<std::string, std::string> extra;
  extra[kCode] = std::string(status_code_name(status.code()));
  extra[kMessage] = status.message();
  extra[kHint] = status.hint();
  extra[kFile] = status.context().file;
  extra[kDetail] = status.context().detail;
  // An error that says it is internal would make DuckDB close the whole database.
  const auto type =
      status.code() == StatusCode::kInvalidArgument ? duckdb::ExceptionType::INVALID_INPUT : duckdb::ExceptionType::IO;
  throw duckdb::Exception(extra, type, status.message());
}

std::optional<Status> thrown_status(const duckdb::ErrorData& error) {
  const auto code = error.ExtraInfo().find(kCode);
  if (code == error.ExtraInfo().end()) return std::nullopt;
  Status status(status_code_from_name(code->second), text_of(error, kMessage), text_of(error, kHint));
  ErrorContext context;
  context.file = text_of(error, kFile);
  context.detail = text_of(error, kDetail);
  return status.with_context(context);
}

}  // namespace millpond
