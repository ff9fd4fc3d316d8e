#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "base/quote.h"
#include "sql/csv_header.h"
#include "sql/describe.h"
#include "sql/file_literals.h"
#include "sql/file_scan.h"

namespace millpond {
namespace {

// What sniff_csv() found out about one file.
struct Dialect {
  std::map<std::string, std::string> options;  // As SQL literals.
  Schema columns;
  bool has_header = false;
};

void pin(std::map<std::string, std::string>& options, const char* name, const duckdb::Value& value) {
  if (value.IsNull()) return;
  const std::string text = value.ToString();
  options[name] = quote_literal(text == "(empty)" ? "" : text);
}

std::string argument_list(const std::map<std::string, std::string>& options) {
  std::string sql;
  for (const auto& [name, literal] : options) sql += ", " + name + " = " + literal;
  return sql;
}

Result<Dialect> sniff(duckdb::Connection& connection, const std::string& path,
                      const std::map<std::string, std::string>& given) {
  const auto rows = query_values(
      connection, "SELECT Delimiter, Quote, Escape, NewLineDelimiter, Comment, SkipRows, HasHeader, Columns, DateFormat, "
                  "TimestampFormat FROM sniff_csv(" +
                      quote_literal(escape_glob(path)) + argument_list(given) + ")");
  if (!rows.is_ok()) return in_file(rows.status(), path);
  if (rows->empty()) return in_file(Status::internal("DuckDB's CSV sniffer gave no answer"), path);
  const std::vector<duckdb::Value>& row = rows->front();
  Dialect dialect;
  pin(dialect.options, "delim", row[0]);
  pin(dialect.options, "quote", row[1]);
  pin(dialect.options, "escape", row[2]);
  pin(dialect.options, "comment", row[4]);
  pin(dialect.options, "dateformat", row[8]);
  pin(dialect.options, "timestampformat", row[9]);
  dialect.options["skip"] = row[5].ToString();
  dialect.has_header = row[6].GetValue<bool>();
  dialect.options["header"] = dialect.has_header ? "true" : "false";
  for (const auto& column : duckdb::ListValue::GetChildren(row[7])) {
    const auto& fields = duckdb::StructValue::GetChildren(column);
    dialect.columns.push_back({fields[0].GetValue<duckdb::string>(), fields[1].GetValue<duckdb::string>()});
  }
  return dialect;
}

// The bytes up to the end of the header's line, empty when they can't be told without decoding.
Result<std::string> head_of(FileSystem& files, const FileSlice& file, std::int64_t skipped_lines) {
  constexpr std::size_t kHead = 64 * 1024;
  MILLPOND_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> handle, files.open(file.path));
  std::string head(std::min<std::size_t>(kHead, static_cast<std::size_t>(file.size)), '\0');
  MILLPOND_ASSIGN_OR_RETURN(const std::size_t got,
                            handle->read_at(0, std::as_writable_bytes(std::span(head.data(), head.size()))));
  head.resize(got);
  std::size_t end = 0;
  for (std::int64_t line = 0; line <= skipped_lines; ++line) {
    end = head.find('\n', end);
    if (end == std::string::npos) return std::string();
    ++end;
  }
  return head.substr(0, end);
}

// Columns are found by place when the files are read, so all headers must say the same. Files whose first bytes are equal
// are not looked at further.
Status same_headers(duckdb::Connection& connection, FileSystem& files, const Engine::FileSet& set, const Dialect& first) {
  const std::int64_t skip = std::stoll(first.options.at("skip"));
  MILLPOND_ASSIGN_OR_RETURN(const std::string head, head_of(files, set.files.front(), skip));
  for (std::size_t i = 1; i < set.files.size(); ++i) {
    const FileSlice& file = set.files[i];
    if (file.size == 0) continue;  // No header and no rows.
    MILLPOND_ASSIGN_OR_RETURN(const std::string other, head_of(files, file, skip));
    if (!head.empty() && head == other) continue;
    MILLPOND_ASSIGN_OR_RETURN(const Dialect dialect, sniff(connection, file.path, first.options));
    for (std::size_t c = 0; c < std::max(first.columns.size(), dialect.columns.size()); ++c) {
      const std::string a = c < first.columns.size() ? "\"" + first.columns[c].name + "\"" : "missing";
      const std::string b = c < dialect.columns.size() ? "\"" + dialect.columns[c].name + "\"" : "missing";
      if (a == b) continue;
      return files_differ(set.files.front().path, file.path,
                          "column " + std::to_string(c + 1) + " is " + a + " in the first and " + b + " in the second");
    }
  }
  return Status::ok();
}

const FileSlice* first_with_content(const std::vector<FileSlice>& files) {
  const auto found = std::find_if(files.begin(), files.end(), [](const FileSlice& file) { return file.size > 0; });
  return found == files.end() ? nullptr : &*found;
}

// union_by_name: names and types over all files by DuckDB itself.
Result<Schema> unite(duckdb::Connection& connection, const Engine::FileSet& set) {
  std::string sql = "read_csv(" + quote_files(paths_of(set.files)) + ", union_by_name = true";
  sql += set.options.hive_columns.empty() ? ", hive_partitioning = false" : ", hive_partitioning = true";
  if (set.options.filename) sql += ", filename = true";
  if (set.options.file_row_number) sql += ", file_row_number = true";
  sql += argument_list(set.options.reader_options) + ")";
  return bind_columns(connection, "FROM " + with_decoded_keys(sql, paths_of(set.files), set.options));
}

// Without sniffing, what is not said is the plain form of CSV.
void pin_plain(std::map<std::string, std::string>& options) {
  const bool has_delimiter = options.count("sep") + options.count("delim") + options.count("delimiter") > 0;
  if (!has_delimiter) options["delim"] = "','";
  options.try_emplace("quote", "'\"'");
  options.try_emplace("escape", "'\"'");
}

}  // namespace

Result<Engine::FileSet> describe_csv(duckdb::Connection& connection, FileSystem& files, Engine::FileSet set,
                                     const Schema& declared) {
  if (!declared.empty()) {
    std::map<std::string, std::string>& options = set.options.reader_options;
    pin_plain(options);
    if (!options.contains("header")) {
      MILLPOND_ASSIGN_OR_RETURN(const bool has_header, begin_with_names(connection, files, set.files, declared, options));
      options["header"] = has_header ? "true" : "false";
    }
    return with_declared_columns(connection, std::move(set), declared);
  }
  const FileSlice* sample = first_with_content(set.files);
  if (sample == nullptr) {
    return in_file(Status::invalid_argument("the file is empty (0 bytes), so its columns can't be found",
                                            "Pass schema= with names and types."),
                   set.files.front().path);
  }
  MILLPOND_ASSIGN_OR_RETURN(Dialect dialect, sniff(connection, sample->path, set.options.reader_options));
  if (set.options.union_by_name) {
    if (!dialect.has_header) {
      return in_file(Status::invalid_argument("union_by_name needs a header line in each CSV file"), sample->path);
    }
    for (const auto& [name, literal] : dialect.options) set.options.reader_options.try_emplace(name, literal);
    MILLPOND_ASSIGN_OR_RETURN(set.schema, unite(connection, set));
    MILLPOND_RETURN_IF_ERROR(pin_hive_types(set.options, set.schema));
    return set;
  }
  for (const auto& [name, literal] : dialect.options) set.options.reader_options.try_emplace(name, literal);
  if (dialect.has_header) MILLPOND_RETURN_IF_ERROR(same_headers(connection, files, set, dialect));
  return with_declared_columns(connection, std::move(set), dialect.columns);
}

}  // namespace millpond
