#include "sql/csv_header.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>
#include <span>

#include "base/quote.h"
#include "data/schema.h"
#include "sql/describe.h"
#include "sql/file_literals.h"
#include "sql/file_scan.h"

namespace millpond {
namespace {

constexpr std::size_t kHead = 64 * 1024;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// False when the file can't begin with the names; cheaper than reading it as CSV.
Result<bool> may_hold_names(FileSystem& files, const FileSlice& file, const Schema& declared) {
  MILLPOND_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> handle, files.open(file.path));
  std::string head(std::min<std::size_t>(kHead, static_cast<std::size_t>(file.size)), '\0');
  MILLPOND_ASSIGN_OR_RETURN(const std::size_t got,
                            handle->read_at(0, std::as_writable_bytes(std::span(head.data(), head.size()))));
  head.resize(got);
  head = lower(std::move(head));
  return std::all_of(declared.begin(), declared.end(), [&](const Column& column) {
    // A quote inside a name is doubled in the file.
    return column.name.find('"') != std::string::npos || head.find(lower(column.name)) != std::string::npos;
  });
}

/// The fields of the first line, or nothing when it has other fields than there are columns.
Result<std::optional<std::vector<std::string>>> first_fields(duckdb::Connection& connection, const FileSlice& file,
                                                             const Schema& declared,
                                                             std::map<std::string, std::string> options) {
  options["header"] = "false";
  options["auto_detect"] = "false";
  std::string columns;
  for (const Column& column : declared) {
    columns += (columns.empty() ? "{" : ", ") + quote_literal(column.name) + ": 'VARCHAR'";
  }
  std::string sql = "FROM read_csv(" + quote_literal(escape_glob(file.path)) + ", columns = " + columns + "}";
  for (const auto& [name, literal] : options) sql += ", " + name + " = " + literal;
  const Result<ValueRows> rows = query_values(connection, sql + ") LIMIT 1");
  // What is wrong with the file is told when its rows are read.
  if (!rows.is_ok() || rows->empty()) return std::optional<std::vector<std::string>>();
  std::vector<std::string> fields;
  for (std::size_t i = 0; i < declared.size(); ++i) {
    const duckdb::Value& value = rows->front()[i];
    fields.push_back(value.IsNull() ? "" : value.ToString());
  }
  return std::optional(std::move(fields));
}

Result<bool> begins_with_names(duckdb::Connection& connection, FileSystem& files, const FileSlice& file,
                               const Schema& declared, const std::map<std::string, std::string>& options) {
  if (!is_compressed(file.path, options)) {
    MILLPOND_ASSIGN_OR_RETURN(const bool may, may_hold_names(files, file, declared));
    if (!may) return false;
  }
  MILLPOND_ASSIGN_OR_RETURN(auto fields, first_fields(connection, file, declared, options));
  if (!fields) return false;
  auto is_name_of = [](const std::string& field, const Column& column) { return same_column_name(field, column.name); };
  if (std::equal(fields->begin(), fields->end(), declared.begin(), declared.end(), is_name_of)) return true;
  const bool are_all_names = std::all_of(declared.begin(), declared.end(), [&](const Column& column) {
    return std::any_of(fields->begin(), fields->end(), [&](const std::string& field) { return is_name_of(field, column); });
  });
  if (!are_all_names) return false;
  std::string found;
  for (const auto& field : *fields) found += (found.empty() ? "" : ", ") + field;
  return in_file(Status::invalid_argument("the file begins with the columns (" + found + "), but schema= has (" +
                                              schema_to_string(declared) + ")",
                                          "Give schema= the file's order, or set header= to say what the first line is."),
                 file.path);
}

}  // namespace

Result<bool> begin_with_names(duckdb::Connection& connection, FileSystem& files, const std::vector<FileSlice>& slices,
                              const Schema& declared, const std::map<std::string, std::string>& options) {
  const FileSlice* first = nullptr;
  bool have_header = false;
  for (const FileSlice& file : slices) {
    if (file.size == 0) continue;
    MILLPOND_ASSIGN_OR_RETURN(const bool has_header, begins_with_names(connection, files, file, declared, options));
    if (first == nullptr) {
      first = &file;
      have_header = has_header;
    } else if (has_header != have_header) {
      return files_differ(first->path, file.path,
                          have_header ? "the first begins with the columns' names and the second does not"
                                      : "the second begins with the columns' names and the first does not");
    }
  }
  return have_header;
}

}  // namespace millpond
