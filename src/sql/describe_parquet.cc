#include <algorithm>
#include <map>
#include <utility>

#include "base/quote.h"
#include "sql/describe.h"
#include "sql/engine_impl.h"
#include "sql/errors.h"
#include "sql/file_literals.h"
#include "sql/file_scan.h"
#include "sql/mapped_columns.h"
#include "sql/parquet_check.h"
#include "sql/pinned_inputs.h"
#include "sql/verify_files.h"
#include "storage/file_tails.h"
#include "storage/store_reads.h"

namespace millpond {
namespace {

// Names the file that can't be read when a query over all of them failed: first those whose ends are wrong, then those
// whose footer DuckDB can't decode.
Status blame(duckdb::Connection& connection, FileSystem& files, const std::vector<FileSlice>& slices, const Status& failure) {
  for (const FileSlice& file : slices) MILLPOND_RETURN_IF_ERROR(check_parquet_ends(files, file.path));
  for (const FileSlice& file : slices) {
    const auto footer = query_values(connection, "SELECT count(*) FROM parquet_schema(" + quote_files({file.path}) + ")");
    if (footer.is_ok()) continue;
    const StatusCode code = footer.status().code();
    // The disk's own errors keep their codes. Everything else that DuckDB says of a footer means that it is damaged.
    if (code == StatusCode::kPermissionDenied || code == StatusCode::kNotFound || code == StatusCode::kOutOfMemory) {
      return in_file(footer.status(), file.path);
    }
    ErrorContext context;
    context.file = file.path;
    context.detail = footer.status().message();
    return Status::data_corrupt("the footer of this Parquet file is damaged").with_context(context);
  }
  return failure;
}

// The columns of each file, from the rows of parquet_schema(): a tree in preorder with the number of children.
std::map<std::string, Schema> columns_by_file(const ValueRows& rows) {
  std::map<std::string, Schema> files;
  std::vector<std::int64_t> open;  // Children still to come on each level.
  for (const auto& row : rows) {
    const std::string path = row[0].GetValue<duckdb::string>();
    const auto [entry, is_new] = files.try_emplace(path);
    if (is_new) open.clear();
    while (!open.empty() && open.back() == 0) open.pop_back();
    if (!open.empty()) --open.back();
    if (open.size() == 1) {
      entry->second.push_back({row[1].GetValue<duckdb::string>(), row[3].IsNull() ? "?" : row[3].GetValue<duckdb::string>()});
    }
    open.push_back(row[2].IsNull() ? 0 : row[2].GetValue<std::int64_t>());
  }
  return files;
}

Status same_columns(const std::string& first_path, const Schema& first, const std::string& path, const Schema& columns) {
  for (std::size_t i = 0; i < std::max(first.size(), columns.size()); ++i) {
    if (i >= columns.size()) return files_differ(first_path, path, "only the first has \"" + first[i].name + "\"");
    if (i >= first.size()) return files_differ(first_path, path, "only the second has \"" + columns[i].name + "\"");
    if (first[i].name != columns[i].name) {
      return files_differ(first_path, path,
                          "column " + std::to_string(i + 1) + " is \"" + first[i].name + "\" in the first and \"" +
                              columns[i].name + "\" in the second");
    }
    if (first[i].type != columns[i].type) {
      return files_differ(first_path, path,
                          "\"" + first[i].name + "\" is " + first[i].type + " in the first and " + columns[i].type +
                              " in the second");
    }
  }
  return Status::ok();
}

Status check_schemas(const Engine::FileSet& set, const std::map<std::string, Schema>& columns) {
  const FileSlice& first = set.files.front();
  const auto first_columns = columns.find(first.path);
  if (first_columns == columns.end()) return Status::internal("DuckDB gave no schema of " + first.path);
  for (const FileSlice& file : set.files) {
    const auto found = columns.find(file.path);
    if (found == columns.end()) return Status::internal("DuckDB gave no schema of " + file.path);
    MILLPOND_RETURN_IF_ERROR(same_columns(first.path, first_columns->second, file.path, found->second));
  }
  return Status::ok();
}

/// Has footers on stores fetched many at once, as far as they are kept; what fails is told when DuckDB asks for it.
void fetch_footers(FileSystem& files, const std::vector<FileSlice>& slices) {
  std::vector<const FileSlice*> tagged;
  for (const FileSlice& file : slices) {
    if (FileTails::may_hold(as_listed(file)) && tagged.size() < FileTails::kMostTails) tagged.push_back(&file);
  }
  at_once(tagged.size(), [&](std::size_t i) {
    const auto file = files.open_known(as_listed(*tagged[i]));
    std::byte last{};
    if (file.is_ok()) (void)(*file)->read_at(tagged[i]->size - 1, {&last, 1});
  });
}

Status fill(duckdb::Connection& connection, Engine::FileSet& set) {
  // Of 10,000 files, parsing and binding the list takes as long as reading the footers: once is enough.
  const std::vector<std::string> paths = paths_of(set.files);
  const std::string list = "getvariable('millpond_files')";
  MILLPOND_RETURN_IF_ERROR(query_values(connection, "SET VARIABLE millpond_files = " + quote_files(paths)).status());
  MILLPOND_ASSIGN_OR_RETURN(const ValueRows counts,
                            query_values(connection, "SELECT file_name, num_rows FROM parquet_file_metadata(" + list + ")"));
  std::map<std::string, std::int64_t> rows;
  for (const auto& row : counts) rows[row[0].GetValue<duckdb::string>()] = row[1].GetValue<std::int64_t>();
  for (FileSlice& file : set.files) {
    const auto found = rows.find(file.path);
    if (found == rows.end()) return Status::internal("DuckDB gave no row count of " + file.path);
    file.num_rows = found->second;
  }
  if (!set.options.union_by_name && !maps_columns(set.options)) {
    MILLPOND_ASSIGN_OR_RETURN(
        const ValueRows schemas,
        query_values(connection, "SELECT file_name, name, num_children, duckdb_type FROM parquet_schema(" + list + ")"));
    MILLPOND_RETURN_IF_ERROR(check_schemas(set, columns_by_file(schemas)));
  }
  MILLPOND_ASSIGN_OR_RETURN(set.schema, bind_columns(connection, "FROM " + reader_call(list, paths, set.options, {})));
  return pin_hive_types(set.options, set.schema);
}

}  // namespace

Result<Engine::FileSet> describe_parquet(duckdb::Connection& connection, FileSystem& files, Engine::FileSet set) {
  fetch_footers(files, set.files);
  const Status filled = fill(connection, set);
  if (filled.is_ok()) return set;
  return blame(connection, files, set.files, filled);
}

Result<std::vector<RowRange>> Engine::row_groups(const FileSlice& file) {
  return without_exceptions([&]() -> Result<std::vector<RowRange>> {
    duckdb::Connection connection(*impl_->database());
    PinnedInputs::hold(connection, std::vector{file});
    const auto rows = query_values(connection, "SELECT row_group_num_rows FROM parquet_metadata(" + quote_files({file.path}) +
                                                   ") WHERE column_id = 0 ORDER BY row_group_id");
    if (!rows.is_ok()) return blame(connection, *impl_->files, {file}, rows.status());
    std::vector<RowRange> ranges;
    std::int64_t begin = 0;
    for (const auto& row : *rows) {
      const auto count = row[0].GetValue<std::int64_t>();
      ranges.push_back({begin, begin + count});
      begin += count;
    }
    return ranges;
  });
}

}  // namespace millpond
