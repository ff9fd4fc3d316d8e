#include "sql/exchange_functions.h"

#include <algorithm>

#include "base/quote.h"
#include "duckdb/main/database.hpp"
#include "duckdb/main/extension/extension_loader.hpp"
#include "sql/bloom_functions.h"
#include "sql/errors.h"
#include "sql/exchange_batch.h"
#include "sql/exchange_copy.h"
#include "sql/exchange_scan.h"
#include "sql/partition_functions.h"

namespace millpond {
namespace {

constexpr std::size_t kMaxKeptBytes = 64 << 20;

const char* placement_name(Placement::Kind kind) {
  switch (kind) {
    case Placement::Kind::kHash:
      return "hash";
    case Placement::Kind::kExpression:
      return "expression";
    case Placement::Kind::kRandom:
      return "random";
    default:
      return "single";
  }
}

// "[1, 2]" of what `number` says of each slice.
template <typename Number>
std::string number_list(const std::vector<SegmentSlice>& slices, Number number) {
  std::string text = "[";
  for (const SegmentSlice& slice : slices) text += (text.size() > 1 ? ", " : "") + std::to_string(number(slice));
  return text + "]";
}

// A list that is typed also when it is empty.
std::string text_list(const std::vector<std::string>& texts) {
  return texts.empty() ? "[]::VARCHAR[]" : quote_list(texts);
}

}  // namespace

Result<WrittenExchange> ExchangeContext::take_written(const std::string& path) {
  std::lock_guard lock(mutex_);
  const auto found = written_.find(path);
  if (found == written_.end()) return Status::not_found("no exchange file was written to " + path);
  WrittenExchange written = std::move(found->second);
  written_.erase(found);
  return written;
}

void ExchangeContext::record_written(const std::string& path, WrittenExchange written) {
  std::lock_guard lock(mutex_);
  written_.insert_or_assign(path, std::move(written));
}

Result<std::shared_ptr<const ExchangeFile>> ExchangeContext::open(const std::string& path, const std::string& digest) {
  if (digest.empty()) return ExchangeFile::open(*files_, path);
  const std::pair<std::string, std::string> key(path, digest);
  {
    std::lock_guard lock(mutex_);
    const auto found = kept_.find(key);
    if (found != kept_.end()) {
      found->second.last_use = ++uses_;
      return found->second.file;
    }
  }
  MILLPOND_ASSIGN_OR_RETURN(auto file, ExchangeFile::open(*files_, path, digest));
  std::lock_guard lock(mutex_);
  if (kept_.try_emplace(key, Kept{file, ++uses_}).second) kept_bytes_ += file->memory_bytes();
  while (kept_bytes_ > kMaxKeptBytes && kept_.size() > 1) {
    const auto oldest = std::ranges::min_element(kept_, {}, [](const auto& entry) { return entry.second.last_use; });
    kept_bytes_ -= oldest->second.file->memory_bytes();
    kept_.erase(oldest);
  }
  return file;
}

std::shared_ptr<BatchBufferPool> ExchangeContext::batch_buffers() {
  std::lock_guard lock(mutex_);
  std::shared_ptr<BatchBufferPool> buffers = batch_buffers_.lock();
  if (!buffers) batch_buffers_ = buffers = std::make_shared<BatchBufferPool>();
  return buffers;
}

Status register_exchange_functions(duckdb::DatabaseInstance& database, std::shared_ptr<ExchangeContext> context) {
  return without_exceptions([&]() -> Status {
    duckdb::ExtensionLoader loader(database, "millpond");
    register_exchange_copy(loader, context);
    register_exchange_scan(loader, context);
    register_partition_functions(loader);
    register_bloom_functions(loader);
    return Status::ok();
  });
}

std::string exchange_copy_sql(const std::string& query, const std::string& path, const Placement& placement,
                              bool sync) {
  std::string sql =
      "COPY (\n" + query + "\n) TO " + quote_literal(path) + " (FORMAT exchange, placement '";
  sql += placement_name(placement.kind);
  sql += "'";
  if (!placement.keys.empty()) sql += ", keys " + quote_list(placement.keys);
  sql += ", partitions " + std::to_string(placement.count);
  if (placement.kind == Placement::Kind::kRandom) sql += ", seed " + std::to_string(placement.seed);
  if (!placement.dropped_columns.empty()) sql += ", drop_columns " + quote_list(placement.dropped_columns);
  if (!sync) sql += ", sync false";
  return sql + ")";
}

std::string exchange_scan_sql(const std::vector<SegmentSlice>& slices, const Schema& schema, ExchangeReading reading) {
  std::vector<std::string> paths;
  std::vector<std::string> digests;
  for (const SegmentSlice& slice : slices) {
    paths.push_back(slice.path);
    digests.push_back(slice.index_digest);
  }
  std::vector<std::string> names;
  std::vector<std::string> types;
  for (const Column& column : schema) {
    names.push_back(column.name);
    types.push_back(column.type);
  }
  const auto has_range = [](const SegmentSlice& slice) { return slice.rows.has_value(); };
  const auto range = [](const SegmentSlice& slice) { return slice.rows.value_or(RowRange{0, slice.num_rows}); };
  std::string sql = "millpond_exchange(" + text_list(paths);
  sql += ", " + number_list(slices, [](const SegmentSlice& slice) { return slice.partition; });
  sql += ", names := " + text_list(names) + ", types := " + text_list(types);
  sql += ", num_rows := " + number_list(slices, [](const SegmentSlice& slice) { return slice.num_rows; });
  if (std::ranges::any_of(slices, has_range)) {
    sql += ", begins := " + number_list(slices, [&](const SegmentSlice& slice) { return range(slice).begin; });
    sql += ", ends := " + number_list(slices, [&](const SegmentSlice& slice) { return range(slice).end; });
  }
  if (reading.threads > 0) sql += ", threads := " + std::to_string(reading.threads);
  if (reading.batch_rows > 0) sql += ", batch_rows := " + std::to_string(reading.batch_rows);
  return sql + ", digests := " + text_list(digests) + ")";
}

}  // namespace millpond
