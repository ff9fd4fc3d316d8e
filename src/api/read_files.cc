#include <algorithm>
#include <memory>
#include <utility>

#include "api/frames.h"
#include "base/quote.h"
#include "data/schema.h"
#include "storage/committed_files.h"
#include "storage/hive_path.h"
#include "storage/local_path.h"

namespace millpond {
namespace {

std::vector<std::string> extensions_of(FileFormat format) {
  switch (format) {
    case FileFormat::kParquet: return {".parquet", ".pq", ".parq"};
    case FileFormat::kCsv: return {".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst", ".txt.gz"};
    case FileFormat::kJson: return {".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz", ".json.zst", ".jsonl.zst"};
  }
  return {};
}

Result<std::vector<FileSlice>> list_files(Session::Impl& session, const std::vector<std::string>& paths, FileFormat format,
                                          const ReadOptions& options) {
  if (paths.empty()) return Status::invalid_argument("no path is given");
  std::vector<FileSlice> files;
  for (const auto& path : paths) {
    MILLPOND_ASSIGN_OR_RETURN(const std::string found_at, readable_path(path));
    GlobOptions glob;
    glob.recursive = options.recursive;
    glob.extensions = extensions_of(format);
    Result<std::vector<FileInfo>> found = expand_committed(session.files(), found_at, glob);
    if (!found.is_ok() && found.status().code() == StatusCode::kNotFound && options.allow_empty) continue;
    if (!found.is_ok()) return found.status();
    for (const auto& file : *found) {
      FileSlice slice;
      slice.path = file.path;
      slice.size = file.size;
      slice.mtime_ns = file.mtime_ns;
      slice.tag = file.tag;
      files.push_back(std::move(slice));
    }
  }
  return files;
}

/// Hive columns that stand in every path, in the order of the first; their types are found by describe().
Result<std::vector<Column>> hive_columns_of(const std::vector<FileSlice>& files, std::optional<bool> wanted) {
  std::vector<Column> columns;
  if (files.empty() || wanted == false) return columns;
  for (const auto& file : files) {
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<HiveKey> keys, parse_hive(file.path));
    if (&file == &files.front()) {
      for (const auto& key : keys) columns.push_back({key.name, ""});
    }
    const bool same = keys.size() == columns.size() &&
                      std::equal(keys.begin(), keys.end(), columns.begin(),
                                 [](const HiveKey& key, const Column& column) { return key.name == column.name; });
    if (same) continue;
    if (wanted == true) {
      return Status::invalid_argument("\"" + file.path + "\" has other key=value folders than \"" + files.front().path + "\"",
                                      "read them apart, or set hive_partitioning=False");
    }
    return std::vector<Column>();
  }
  return columns;
}

// A schema that names all columns from folders says their types; else they are found in the values.
void declare_types(std::vector<Column>& hive_columns, const Schema& schema) {
  std::vector<Column> declared = hive_columns;
  for (Column& column : declared) {
    const int found = find_column(schema, column.name);
    if (found < 0) return;
    column.type = schema[static_cast<std::size_t>(found)].type;
  }
  hive_columns = std::move(declared);
}

// A file that tells the columns where no file is to be read: the newest that is not empty.
std::vector<FileSlice> sample_of(const std::vector<FileSlice>& files) {
  const auto newest = std::max_element(files.begin(), files.end(), [](const FileSlice& a, const FileSlice& b) {
    return std::pair(a.size > 0, a.mtime_ns) < std::pair(b.size > 0, b.mtime_ns);
  });
  return newest == files.end() ? std::vector<FileSlice>() : std::vector<FileSlice>{*newest};
}

Result<DataFrame> read_files(const FrameContext& context, const std::vector<std::string>& paths, FileFormat format,
                             const ReadOptions& options, std::shared_ptr<const FileBounds> bounds) {
  Session::Impl& session = context.impl();
  MILLPOND_ASSIGN_OR_RETURN(std::vector<FileSlice> files, list_files(session, paths, format, options));
  ScanOp op;
  op.bounds = std::move(bounds);
  bool is_sample = false;
  if (!options.new_only.empty()) {
    const std::vector<FileSlice> sample = sample_of(files);
    MILLPOND_ASSIGN_OR_RETURN(op.new_read, session.new_reads().take(options.new_only, files));
    is_sample = files.empty() && !sample.empty();
    if (is_sample) files = sample;
  }
  ScanOptions scan;
  scan.format = format;
  scan.union_by_name = options.union_by_name;
  scan.filename = options.filename;
  scan.file_row_number = options.file_row_number;
  scan.reader_options = options.reader_options;
  MILLPOND_ASSIGN_OR_RETURN(scan.hive_columns, hive_columns_of(files, options.hive_partitioning));
  if (format == FileFormat::kParquet) declare_types(scan.hive_columns, options.schema);
  Schema schema = options.schema;
  if (files.empty()) {
    if (schema.empty()) return Status::invalid_argument("no file is there and no schema is given", "pass schema= with allow_empty=True");
    op.options = std::move(scan);
  } else {
    MILLPOND_ASSIGN_OR_RETURN(Engine::FileSet set, session.engine().describe(std::move(files), std::move(scan), options.schema));
    schema = std::move(set.schema);
    if (!is_sample) op.files = std::move(set.files);
    op.options = std::move(set.options);
  }
  DataFrame frame = context.frame(std::move(op), {}, std::move(schema), single_partition());
  if (options.columns.empty()) return frame;
  // The columns that were asked for by name of their own stay beside the chosen ones.
  std::vector<std::string> columns = options.columns;
  auto add = [&](bool is_wanted, const std::string& name) {
    auto same = [&](const std::string& column) { return same_column_name(column, name); };
    if (is_wanted && std::none_of(columns.begin(), columns.end(), same)) columns.push_back(name);
  };
  add(options.file_row_number, "file_row_number");
  add(options.filename, "filename");
  return frame.select(columns, context.location);
}

Result<DataFrame> read(const FrameContext& context, const std::vector<std::string>& paths, FileFormat format,
                       const ReadOptions& options, std::shared_ptr<const FileBounds> bounds = nullptr) {
  Result<DataFrame> frame = read_files(context, paths, format, options, std::move(bounds));
  if (!frame.is_ok()) return context.fail(frame.status());
  return frame;
}

}  // namespace

Result<DataFrame> Session::read_parquet(const std::vector<std::string>& paths, const ReadOptions& options,
                                        const std::string& location) {
  return read({shared_from_this(), "read_parquet", location}, paths, FileFormat::kParquet, options);
}

Result<DataFrame> Session::read_table_files(const std::vector<std::string>& paths, const ReadOptions& options, FileBounds bounds,
                                            const std::string& location) {
  return read({shared_from_this(), "read_parquet", location}, paths, FileFormat::kParquet, options,
              std::make_shared<const FileBounds>(std::move(bounds)));
}

Result<DataFrame> Session::read_csv(const std::vector<std::string>& paths, const ReadOptions& options,
                                    const std::string& location) {
  return read({shared_from_this(), "read_csv", location}, paths, FileFormat::kCsv, options);
}

Result<DataFrame> Session::read_json(const std::vector<std::string>& paths, const ReadOptions& options,
                                     const std::string& location) {
  return read({shared_from_this(), "read_json", location}, paths, FileFormat::kJson, options);
}

}  // namespace millpond
