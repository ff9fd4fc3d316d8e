#include "sql/write_files.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>
#include <utility>

#include "base/hash.h"
#include "base/quote.h"
#include "base/uri.h"

namespace millpond {
namespace {

constexpr std::int64_t kRowGroup = 122880;  // DuckDB's own row group.
constexpr std::int64_t kVector = 2048;      // Files are cut only between vectors of this many rows.

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

Result<std::string> extension_of(const WriteOptions& options) {
  const std::string compression = lower(options.compression);
  switch (options.format) {
    case FileFormat::kParquet:
      return std::string("parquet");
    case FileFormat::kCsv:
    case FileFormat::kJson: {
      const std::string name(file_format_name(options.format));
      if (compression.empty() || compression == "none" || compression == "uncompressed") return name;
      if (compression == "gzip" || compression == "gz") return name + ".gz";
      if (compression == "zstd" || compression == "zst") return name + ".zst";
      return Status::invalid_argument("compression \"" + options.compression + "\" is not for " + name + " files",
                                      "Use \"gzip\", \"zstd\" or \"none\".");
    }
  }
  return Status::internal("a file format without a name");
}

// The options that cut the output into files of at most max_rows_per_file rows.
Result<std::string> rotation(const WriteOptions& options) {
  const std::int64_t rows = options.max_rows_per_file;
  if (rows >= kRowGroup) {
    return ", ROW_GROUP_SIZE " + std::to_string(kRowGroup) + ", ROW_GROUPS_PER_FILE " + std::to_string(rows / kRowGroup);
  }
  return ", ROW_GROUP_SIZE " + std::to_string(rows / kVector * kVector) + ", ROW_GROUPS_PER_FILE 1";
}

bool rotates(const WriteOptions& options) { return options.max_rows_per_file > 0 && !options.single_file; }

Status check(const WriteOptions& options) {
  if (options.max_rows_per_file < 0) return Status::invalid_argument("max_rows_per_file is negative");
  if (options.single_file && !options.partition_by.empty()) {
    return Status::invalid_argument("single_file and partition_by exclude each other");
  }
  if (cuts_exactly(options) && !options.partition_by.empty()) {
    return Status::unsupported("max_rows_per_file with partition_by needs Parquet or CSV and at least " +
                               std::to_string(kVector) + " rows a file");
  }
  return Status::ok();
}

std::string format_options(const WriteOptions& options) {
  std::string sql = "FORMAT " + std::string(file_format_name(options.format));
  if (!options.compression.empty()) sql += ", COMPRESSION " + quote_literal(lower(options.compression));
  for (const auto& [name, literal] : options.copy_options) sql += ", " + name + " " + literal;
  if (options.format == FileFormat::kCsv && options.copy_options.count("header") == 0) sql += ", HEADER true";
  return sql;
}

// Reads a file through to its digest.
Result<std::string> digest_of(ReadableFile& file, std::int64_t size) {
  ContentHasher hasher;
  std::vector<std::byte> buffer(std::min<std::int64_t>(size, 1 << 20));
  for (std::int64_t offset = 0; offset < size;) {
    MILLPOND_ASSIGN_OR_RETURN(const std::size_t got, file.read_at(offset, buffer));
    if (got == 0) return Status::io_error("a file that was just written is shorter than its size");
    hasher.update({reinterpret_cast<const char*>(buffer.data()), got});
    offset += static_cast<std::int64_t>(got);
  }
  return hasher.hex();
}

Result<OutputFile> describe_file(FileSystem& files, const std::string& directory, const std::string& path, std::int64_t rows) {
  if (path.compare(0, directory.size() + 1, directory + "/") != 0) {
    return Status::internal("DuckDB wrote " + path + ", outside of " + directory);
  }
  OutputFile output;
  output.path = path.substr(directory.size() + 1);
  output.num_rows = rows;
  MILLPOND_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, files.open(path));
  MILLPOND_ASSIGN_OR_RETURN(const FileInfo info, file->info());
  output.num_bytes = info.size;
  // What lies on a store is not fetched again: it was checked on its way there, and again where it lies.
  if (has_scheme(path)) return output;
  MILLPOND_ASSIGN_OR_RETURN(output.digest, digest_of(*file, info.size));
  return output;
}

// The folders from each file's own up to `directory`, deepest first.
std::vector<std::string> folders_of(const std::vector<OutputFile>& outputs, const std::string& directory) {
  std::set<std::string, std::greater<>> folders = {""};
  for (const OutputFile& output : outputs) {
    for (std::size_t end = output.path.rfind('/'); end != std::string::npos && end > 0; end = output.path.rfind('/', end - 1)) {
      folders.insert(output.path.substr(0, end));
    }
  }
  std::vector<std::string> paths;
  for (const std::string& folder : folders) paths.push_back(folder.empty() ? directory : directory + "/" + folder);
  return paths;
}

// Compares runs of digits as numbers: part-2 before part-10.
bool in_order(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  while (!a.empty() && !b.empty()) {
    const std::size_t digits_a = std::find_if_not(a.begin(), a.end(), is_digit) - a.begin();
    const std::size_t digits_b = std::find_if_not(b.begin(), b.end(), is_digit) - b.begin();
    if (digits_a != digits_b) return digits_a == 0 || digits_b == 0 ? a[0] < b[0] : digits_a < digits_b;
    const std::size_t length = std::max<std::size_t>(digits_a, 1);
    if (const int order = a.substr(0, length).compare(b.substr(0, length)); order != 0) return order < 0;
    a.remove_prefix(length);
    b.remove_prefix(length);
  }
  return a.size() < b.size();
}

Status sync_file(FileSystem& files, const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, files.open_append(path));
  MILLPOND_RETURN_IF_ERROR(file->sync());
  return file->close();
}

}  // namespace

bool cuts_exactly(const WriteOptions& options) {
  return rotates(options) && (options.format == FileFormat::kJson || options.max_rows_per_file < kVector);
}

std::string file_stem(const Task& task) {
  std::string number = std::to_string(task.partition);
  if (number.size() < 5) number.insert(0, 5 - number.size(), '0');
  std::string attempt = task.attempt;
  // What is not a letter or digit could be a folder or a pattern of DuckDB's.
  std::replace_if(attempt.begin(), attempt.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '-'; }, '-');
  return "part-" + number + (attempt.empty() ? "" : "-" + attempt);
}

Result<std::string> write_files_sql(const std::string& query, const WriteOptions& options, const std::string& directory,
                                    const std::string& stem) {
  MILLPOND_RETURN_IF_ERROR(check(options));
  MILLPOND_ASSIGN_OR_RETURN(const std::string extension, extension_of(options));
  std::string copy_options = format_options(options);
  std::string path = directory;
  const std::vector<std::string>& keys = options.partition_by;
  if (rotates(options)) {
    MILLPOND_ASSIGN_OR_RETURN(const std::string cut, rotation(options));
    copy_options += cut;
  }
  if (!keys.empty()) {
    copy_options += ", PARTITION_BY (" ;
    for (std::size_t i = 0; i < keys.size(); ++i) copy_options += (i > 0 ? ", " : "") + quote_identifier(keys[i]);
    copy_options += ")";
  }
  if (!keys.empty() || rotates(options)) {
    // The folder is the attempt's own and empty, so there is nothing to overwrite.
    copy_options += ", OVERWRITE_OR_IGNORE true, FILENAME_PATTERN " + quote_literal(stem + "-{i}") + ", FILE_EXTENSION " +
                    quote_literal(extension);
  } else {
    path += "/" + stem + "." + extension;
  }
  copy_options += options.format == FileFormat::kParquet ? ", RETURN_STATS true" : ", RETURN_FILES true";
  return "COPY (" + query + ") TO " + quote_literal(path) + " (" + copy_options + ")";
}

// Parquet gives a row a file (filename, count, …), the others one row (count, [filename, …]).
std::vector<WrittenFile> files_of_copy(duckdb::QueryResult& result, FileFormat format) {
  std::vector<WrittenFile> written;
  while (auto chunk = result.Fetch()) {
    for (duckdb::idx_t row = 0; row < chunk->size(); ++row) {
      if (format == FileFormat::kParquet) {
        written.push_back({chunk->GetValue(0, row).GetValue<duckdb::string>(), chunk->GetValue(1, row).GetValue<std::int64_t>()});
        continue;
      }
      const auto rows = chunk->GetValue(0, row).GetValue<std::int64_t>();
      const auto paths = duckdb::ListValue::GetChildren(chunk->GetValue(1, row));
      for (const auto& path : paths) written.push_back({path.GetValue<duckdb::string>(), paths.size() == 1 ? rows : -1});
    }
  }
  return written;
}

Result<std::vector<OutputFile>> written_files(duckdb::QueryResult& result, FileSystem& files, const WriteOptions& options,
                                              const std::string& directory) {
  std::vector<WrittenFile> written = files_of_copy(result, options.format);
  std::sort(written.begin(), written.end(), [](const WrittenFile& a, const WrittenFile& b) { return in_order(a.path, b.path); });
  return finish_files(written, files, directory);
}

Result<std::vector<OutputFile>> finish_files(const std::vector<WrittenFile>& written, FileSystem& files,
                                             const std::string& directory) {
  std::vector<OutputFile> outputs;
  for (const WrittenFile& file : written) {
    MILLPOND_ASSIGN_OR_RETURN(OutputFile output, describe_file(files, directory, file.path, file.rows));
    if (!has_scheme(file.path)) MILLPOND_RETURN_IF_ERROR(sync_file(files, file.path));
    outputs.push_back(std::move(output));
  }
  for (const std::string& folder : folders_of(outputs, directory)) MILLPOND_RETURN_IF_ERROR(files.sync_directory(folder));
  return outputs;
}

}  // namespace millpond
