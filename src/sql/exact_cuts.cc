#include "sql/exact_cuts.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/quote.h"

namespace millpond {
namespace {

constexpr char kTable[] = "temp.__millpond_rows_to_write";

Result<std::int64_t> count_rows(const RunSql& run) {
  MILLPOND_ASSIGN_OR_RETURN(const auto result, run(std::string("SELECT count(*) FROM ") + kTable));
  const auto chunk = result->Fetch();
  if (chunk == nullptr || chunk->size() != 1) return Status::internal("counting the rows to write gave no number");
  return chunk->GetValue(0, 0).GetValue<std::int64_t>();
}

}  // namespace

Result<std::vector<WrittenFile>> write_exact_cuts(const std::string& query, const Schema& schema, const WriteOptions& options,
                                                  const std::string& directory, const std::string& stem,
                                                  const RunSql& run_query, const RunSql& run) {
  // In the table the columns have names of ours: one that is called rowid would hide the rows' own numbers.
  std::string columns;
  std::string names;
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const std::string column = std::string("c").append(std::to_string(i));
    columns += (i == 0 ? "" : ", ") + column;
    names += (i == 0 ? "" : ", ") + column + " AS " + quote_identifier(schema[i].name);
  }
  MILLPOND_RETURN_IF_ERROR(run_query(std::string("CREATE TEMP TABLE ") + kTable + "(" + columns + ") AS " + query).status());
  MILLPOND_ASSIGN_OR_RETURN(const std::int64_t rows, count_rows(run));
  WriteOptions one = options;
  one.max_rows_per_file = 0;
  std::vector<WrittenFile> written;
  for (std::int64_t begin = 0; begin == 0 || begin < rows; begin += options.max_rows_per_file) {
    const std::int64_t end = std::min(rows, begin + options.max_rows_per_file);
    const std::string cut = "SELECT " + names + " FROM " + kTable + " WHERE rowid >= " + std::to_string(begin) +
                            " AND rowid < " + std::to_string(end);
    const std::string name = stem + "-" + std::to_string(written.size());
    MILLPOND_ASSIGN_OR_RETURN(const std::string statement, write_files_sql(cut, one, directory, name));
    MILLPOND_ASSIGN_OR_RETURN(const auto done, run(statement));
    std::vector<WrittenFile> files = files_of_copy(*done, options.format);
    if (files.size() != 1) return Status::internal("one file was to be written, not " + std::to_string(files.size()));
    if (files.front().rows >= 0 && files.front().rows != end - begin) {
      return Status::internal("a file of " + std::to_string(end - begin) + " rows got " + std::to_string(files.front().rows));
    }
    files.front().rows = end - begin;
    written.push_back(std::move(files.front()));
  }
  return written;
}

}  // namespace millpond
