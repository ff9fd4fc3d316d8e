#include "sql/exchange_copy.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "duckdb/common/types/column/column_data_collection.hpp"
#include "duckdb/function/copy_function.hpp"
#include "exchange/writer.h"
#include "sql/column_codec_fixed.h"
#include "sql/exchange_batch.h"
#include "sql/exchange_placement.h"
#include "sql/exchange_types.h"
#include "sql/status_exception.h"

namespace millpond {
namespace {

using duckdb::ClientContext;
using duckdb::ColumnDataCollection;
using duckdb::FunctionData;
using duckdb::GlobalFunctionData;
using duckdb::LocalFunctionData;
using duckdb::PreparedBatchData;

// Rows of a batch: one row group of a Parquet file, so that DuckDB need not cut or glue batches. With many partitions
// larger ones, so that a segment stays worth its place in the index; with wide rows smaller ones, so that memory stays
// bounded. Strings are guessed; kBatchBytes also ends a batch whose strings turn out to be long.
constexpr std::size_t kBatchRows = 122880;
constexpr std::size_t kRowsPerSegment = 128;
constexpr std::size_t kMaxBatchRows = 4 * kBatchRows;
constexpr std::size_t kBatchBytes = 32 << 20;
constexpr std::size_t kGuessedBytes = 32;

std::size_t guess_row_bytes(const std::vector<duckdb::LogicalType>& types) {
  std::size_t bytes = 1;
  for (const duckdb::LogicalType& type : types) {
    bytes += is_fixed_width(type) ? duckdb::GetTypeIdSize(type.InternalType()) : kGuessedBytes;
  }
  return bytes;
}

std::size_t choose_batch_rows(const std::vector<duckdb::LogicalType>& types, std::size_t partitions) {
  const std::size_t wanted =
      std::clamp(partitions * kRowsPerSegment / kBatchRows * kBatchRows, kBatchRows, kMaxBatchRows);
  const std::size_t affordable = kBatchBytes / guess_row_bytes(types) / STANDARD_VECTOR_SIZE * STANDARD_VECTOR_SIZE;
  return std::clamp<std::size_t>(affordable, 2 * STANDARD_VECTOR_SIZE, wanted);
}

struct CopyInfo : duckdb::CopyFunctionInfo {
  std::shared_ptr<ExchangeContext> context;
};

struct CopyBind : duckdb::TableFunctionData {
  std::shared_ptr<ExchangeContext> context;
  std::shared_ptr<const RowPlacer> placer;
  std::vector<duckdb::LogicalType> types;
  std::vector<ExchangeColumn> columns;
  std::size_t batch_rows = kBatchRows;
  bool sync = true;
};

struct CopyGlobal : GlobalFunctionData {
  std::unique_ptr<ExchangeWriter> writer;
  BatchBufferPool buffers;
  std::atomic<std::uint64_t> rows{0};
  std::mutex mutex;  // Orders flushes when the plan has no batches; guards next_row.
  std::uint64_t next_row = 0;
};

struct CopyLocal : LocalFunctionData {
  duckdb::unique_ptr<ColumnDataCollection> rows;
  duckdb::ColumnDataAppendState append;
};

// Either encoded and written already, or rows that wait for their number.
struct CopyBatch : PreparedBatchData {
  ExchangeBatch batch;
  duckdb::unique_ptr<ColumnDataCollection> rows;
};

const duckdb::Value* single_option(const duckdb::CopyInfo& info, const char* name) {
  const auto found = info.options.find(name);
  if (found == info.options.end()) return nullptr;
  if (found->second.size() != 1 || found->second[0].IsNull()) {
    throw duckdb::BinderException("option %s of FORMAT exchange takes one value", name);
  }
  return &found->second[0];
}

Placement::Kind kind_option(const duckdb::CopyInfo& info) {
  const duckdb::Value* value = single_option(info, "placement");
  const std::string name = value == nullptr ? "single" : value->ToString();
  if (name == "single") return Placement::Kind::kSingle;
  if (name == "hash") return Placement::Kind::kHash;
  if (name == "expression") return Placement::Kind::kExpression;
  if (name == "random") return Placement::Kind::kRandom;
  throw duckdb::BinderException("placement is 'single', 'hash', 'expression' or 'random', not '%s'", name);
}

std::vector<std::string> names_option(const duckdb::CopyInfo& info, const char* name) {
  std::vector<std::string> keys;
  const auto found = info.options.find(name);
  if (found == info.options.end()) return keys;
  for (const duckdb::Value& value : found->second) {
    if (value.type().id() == duckdb::LogicalTypeId::LIST) {
      for (const duckdb::Value& key : duckdb::ListValue::GetChildren(value)) keys.push_back(key.ToString());
    } else {
      keys.push_back(value.ToString());
    }
  }
  return keys;
}

Placement placement_option(const duckdb::CopyInfo& info) {
  for (const auto& [name, values] : info.options) {
    if (name != "placement" && name != "keys" && name != "partitions" && name != "seed" && name != "drop_columns" &&
        name != "sync") {
      throw duckdb::BinderException("FORMAT exchange has no option %s", name.GetIdentifierName());
    }
  }
  Placement placement;
  placement.kind = kind_option(info);
  placement.keys = names_option(info, "keys");
  if (const duckdb::Value* count = single_option(info, "partitions")) placement.count = count->GetValue<std::int64_t>();
  if (const duckdb::Value* seed = single_option(info, "seed")) placement.seed = seed->GetValue<std::uint64_t>();
  placement.dropped_columns = names_option(info, "drop_columns");
  return placement;
}

duckdb::unique_ptr<FunctionData> bind(ClientContext&, duckdb::CopyFunctionBindInput& input,
                                      const duckdb::vector<duckdb::Identifier>& names,
                                      const duckdb::vector<duckdb::LogicalType>& types) {
  auto bound = duckdb::make_uniq<CopyBind>();
  bound->context = static_cast<CopyInfo&>(*input.function_info).context;
  std::vector<std::string> column_names;
  for (const duckdb::Identifier& name : names) column_names.push_back(name.GetIdentifierName());
  bound->types.assign(types.begin(), types.end());
  bound->placer = std::make_shared<RowPlacer>(placement_option(input.info), column_names, bound->types);
  bound->batch_rows = choose_batch_rows(bound->types, bound->placer->partitions());
  if (const duckdb::Value* sync = single_option(input.info, "sync")) bound->sync = sync->GetValue<bool>();
  for (const std::size_t i : bound->placer->written())
    bound->columns.push_back(exchange_column(column_names[i], types[i]));
  return bound;
}

duckdb::unique_ptr<LocalFunctionData> initialize_local(duckdb::ExecutionContext&, FunctionData&) {
  return duckdb::make_uniq<CopyLocal>();
}

duckdb::unique_ptr<GlobalFunctionData> initialize_global(ClientContext&, FunctionData& bind_data,
                                                         const std::string& path) {
  auto& bound = bind_data.Cast<CopyBind>();
  auto global = duckdb::make_uniq<CopyGlobal>();
  global->writer = value_or_throw(
      ExchangeWriter::create(bound.context->files(), path, bound.columns, bound.placer->placement().count));
  return global;
}

ExchangeBatch encode_and_write(CopyBind& bound, CopyGlobal& global, const ColumnDataCollection& rows,
                               std::uint64_t first_row) {
  BatchBuffer buffer = global.buffers.take();
  ExchangeBatch batch = encode_exchange_batch(rows, *bound.placer, first_row, buffer);
  batch.offset = value_or_throw(global.writer->write(buffer.bytes()));
  global.buffers.give_back(std::move(buffer));
  return batch;
}

duckdb::unique_ptr<PreparedBatchData> prepare_batch(ClientContext&, FunctionData& bind_data,
                                                    GlobalFunctionData& global_data,
                                                    duckdb::unique_ptr<ColumnDataCollection> rows) {
  auto& bound = bind_data.Cast<CopyBind>();
  auto& global = global_data.Cast<CopyGlobal>();
  global.rows += rows->Count();
  auto prepared = duckdb::make_uniq<CopyBatch>();
  if (bound.placer->needs_row_numbers()) {
    prepared->rows = std::move(rows);
  } else {
    prepared->batch = encode_and_write(bound, global, *rows, 0);
  }
  return prepared;
}

// Called for one batch after the other, in the order of rows.
void flush_batch(ClientContext&, FunctionData& bind_data, GlobalFunctionData& global_data,
                 PreparedBatchData& prepared_data) {
  auto& bound = bind_data.Cast<CopyBind>();
  auto& global = global_data.Cast<CopyGlobal>();
  auto& prepared = prepared_data.Cast<CopyBatch>();
  std::lock_guard lock(global.mutex);
  if (prepared.rows) {
    prepared.batch = encode_and_write(bound, global, *prepared.rows, global.next_row);
    global.next_row += prepared.rows->Count();
    prepared.rows.reset();
  }
  throw_if_error(global.writer->append(prepared.batch));
}

void flush_local(ClientContext& context, FunctionData& bind_data, GlobalFunctionData& global, CopyLocal& local) {
  if (!local.rows || local.rows->Count() == 0) return;
  auto prepared = prepare_batch(context, bind_data, global, std::move(local.rows));
  flush_batch(context, bind_data, global, *prepared);
}

// Plans whose rows have no order, or come from one thread, are sunk row by row.
void sink(duckdb::ExecutionContext& context, FunctionData& bind_data, GlobalFunctionData& global,
          LocalFunctionData& local_data, duckdb::DataChunk& chunk) {
  auto& bound = bind_data.Cast<CopyBind>();
  auto& local = local_data.Cast<CopyLocal>();
  if (!local.rows) {
    local.rows = duckdb::make_uniq<ColumnDataCollection>(
        context.client, duckdb::vector<duckdb::LogicalType>(bound.types.begin(), bound.types.end()));
    local.rows->InitializeAppend(local.append);
  }
  local.rows->Append(local.append, chunk);
  if (local.rows->Count() >= bound.batch_rows || local.rows->SizeInBytes() >= kBatchBytes) {
    flush_local(context.client, bind_data, global, local);
  }
}

void combine(duckdb::ExecutionContext& context, FunctionData& bind_data, GlobalFunctionData& global,
             LocalFunctionData& local) {
  flush_local(context.client, bind_data, global, local.Cast<CopyLocal>());
}

void finalize(ClientContext&, FunctionData& bind_data, GlobalFunctionData& global_data) {
  auto& bound = bind_data.Cast<CopyBind>();
  auto& global = global_data.Cast<CopyGlobal>();
  const ExchangeTotals totals = value_or_throw(global.writer->finish(global.rows.load(), bound.sync));
  OutputFile file;
  file.path = global.writer->path();
  file.num_bytes = static_cast<std::int64_t>(totals.file_size);
  file.num_rows = static_cast<std::int64_t>(totals.rows);
  file.digest = totals.digest;
  for (std::size_t p = 0; p < totals.partitions.size(); ++p) {
    const ExchangeTotals::Partition& partition = totals.partitions[p];
    if (partition.rows == 0) continue;
    file.segments.push_back({static_cast<std::int64_t>(p), static_cast<std::int64_t>(partition.rows),
                             static_cast<std::int64_t>(partition.bytes)});
  }
  bound.context->record_written(global.writer->path(), std::move(file));
}

duckdb::CopyFunctionExecutionMode execution_mode(bool preserve_order, bool supports_batches) {
  if (!preserve_order) return duckdb::CopyFunctionExecutionMode::PARALLEL_COPY_TO_FILE;
  return supports_batches ? duckdb::CopyFunctionExecutionMode::BATCH_COPY_TO_FILE
                          : duckdb::CopyFunctionExecutionMode::REGULAR_COPY_TO_FILE;
}

duckdb::optional_idx desired_batch_size(ClientContext&, FunctionData& bind_data) {
  return bind_data.Cast<CopyBind>().batch_rows;
}

}  // namespace

void register_exchange_copy(duckdb::ExtensionLoader& loader, std::shared_ptr<ExchangeContext> context) {
  auto info = duckdb::make_shared_ptr<CopyInfo>();
  info->context = std::move(context);
  duckdb::CopyFunction function("exchange");
  function.extension = "mpx";
  function.function_info = info;
  function.copy_to_bind = bind;
  function.copy_to_initialize_local = initialize_local;
  function.copy_to_initialize_global = initialize_global;
  function.copy_to_sink = sink;
  function.copy_to_combine = combine;
  function.copy_to_finalize = finalize;
  function.execution_mode = execution_mode;
  function.prepare_batch = prepare_batch;
  function.flush_batch = flush_batch;
  function.desired_batch_size = desired_batch_size;
  loader.RegisterFunction(function);
}

}  // namespace millpond
