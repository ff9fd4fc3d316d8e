#include "sql/exchange_scan.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "duckdb/common/vector/constant_vector.hpp"
#include "duckdb/function/table_function.hpp"
#include "duckdb/parallel/task_scheduler.hpp"
#include "duckdb/storage/statistics/node_statistics.hpp"
#include "sql/column_codec.h"
#include "sql/exchange_scan_plan.h"
#include "sql/status_exception.h"

namespace millpond {
namespace {

using duckdb::ClientContext;
using duckdb::FunctionData;
using duckdb::GlobalTableFunctionState;
using duckdb::LocalTableFunctionState;
using duckdb::LogicalType;
using duckdb::Value;

// As many rows as DuckDB's own row groups, so that operators which work by batches need not cut or glue them.
constexpr std::uint64_t kMaxUnitRows = 122880;
constexpr std::uint64_t kMinUnitRows = 8 * STANDARD_VECTOR_SIZE;
constexpr std::size_t kNoColumn = static_cast<std::size_t>(-1);

struct ScanInfo : duckdb::TableFunctionInfo {
  std::shared_ptr<ExchangeContext> context;
};

struct ScanBind : duckdb::TableFunctionData {
  std::shared_ptr<ExchangeContext> context;
  ExchangeScan scan;
  std::uint64_t most_threads = UINT64_MAX;
  std::uint64_t most_rows = kMaxUnitRows;  // Of a unit.
};

struct ScanGlobal : GlobalTableFunctionState {
  std::shared_ptr<ExchangeContext> context;
  ExchangeScanPlan plan;
  std::vector<std::size_t> asked;  // For each output column, its index among the wanted ones; or kNoColumn.
  std::vector<LogicalType> types;  // Of the wanted columns.
  std::uint64_t most_threads = 0;
  std::atomic<std::size_t> next_unit{0};

  duckdb::idx_t MaxThreads() const override { return std::clamp<std::uint64_t>(plan.units.size(), 1, most_threads); }
};

// Keeps a segment's bytes alive as long as strings of a vector point into them.
struct ChunkOwner : duckdb::AuxiliaryDataHolder {
  explicit ChunkOwner(std::shared_ptr<const std::byte[]> bytes) : bytes(std::move(bytes)) {}
  std::shared_ptr<const std::byte[]> bytes;
};

struct ScanLocal : LocalTableFunctionState {
  std::size_t unit = 0;
  std::size_t piece = 0;
  bool has_unit = false;
  std::uint64_t row = 0;  // The next row of the open piece.
  bool piece_open = false;
  std::size_t file_number = kNoColumn;
  std::shared_ptr<ReadableFile> file;  // At most one open file a thread.
  // Of the pieces of the unit `ahead_unit` from `ahead_piece` on, where they are on a store.
  std::vector<ExchangeChunks> ahead;
  std::size_t ahead_unit = kNoColumn;
  std::size_t ahead_piece = 0;
  ExchangeChunks chunks;
  std::vector<std::unique_ptr<ColumnDecoder>> decoders;  // Of the wanted columns.
  std::size_t open_file = kNoColumn;                     // Of their segment.
  ExchangeSegment open_segment;
};

std::vector<Value> list_items(const Value& list, const char* name) {
  if (list.IsNull()) throw duckdb::BinderException("argument %s of millpond_exchange is NULL", name);
  const auto& items = duckdb::ListValue::GetChildren(list);
  for (const Value& item : items) {
    if (item.IsNull()) throw duckdb::BinderException("argument %s of millpond_exchange holds a NULL", name);
  }
  return {items.begin(), items.end()};
}

// Whether a named argument was given and is not NULL.
bool has_argument(duckdb::TableFunctionBindInput& input, const char* name) {
  const auto found = input.named_parameters.find(name);
  return found != input.named_parameters.end() && !found->second.IsNull();
}

// A named list, which must be as long as `size`; empty when it is not given.
std::vector<Value> named_list(duckdb::TableFunctionBindInput& input, const char* name, std::size_t size) {
  if (!has_argument(input, name)) return {};
  std::vector<Value> items = list_items(input.named_parameters.find(name)->second, name);
  if (items.size() != size) {
    throw duckdb::BinderException("argument %s of millpond_exchange has %d items, expected %d", name,
                                  static_cast<std::int64_t>(items.size()), static_cast<std::int64_t>(size));
  }
  return items;
}

// A named number; `unless` when it is not given.
std::uint64_t named_number(duckdb::TableFunctionBindInput& input, const char* name, std::uint64_t unless) {
  if (!has_argument(input, name)) return unless;
  const auto number = input.named_parameters.find(name)->second.GetValue<std::int64_t>();
  if (number < 1) throw duckdb::BinderException("argument %s of millpond_exchange is %d", name, number);
  return static_cast<std::uint64_t>(number);
}

std::vector<SegmentSlice> bind_slices(duckdb::TableFunctionBindInput& input) {
  const std::vector<Value> paths = list_items(input.inputs[0], "paths");
  const std::vector<Value> partitions = list_items(input.inputs[1], "partitions");
  if (paths.size() != partitions.size()) {
    throw duckdb::BinderException("millpond_exchange has %d paths for %d partitions",
                                  static_cast<std::int64_t>(paths.size()),
                                  static_cast<std::int64_t>(partitions.size()));
  }
  const std::vector<Value> rows = named_list(input, "num_rows", paths.size());
  const std::vector<Value> digests = named_list(input, "digests", paths.size());
  const std::vector<Value> begins = named_list(input, "begins", paths.size());
  const std::vector<Value> ends = named_list(input, "ends", paths.size());
  if (begins.empty() != ends.empty()) throw duckdb::BinderException("millpond_exchange takes begins and ends together");
  std::vector<SegmentSlice> slices(paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    slices[i].path = paths[i].GetValue<std::string>();
    slices[i].partition = partitions[i].GetValue<std::int64_t>();
    slices[i].num_rows = rows.empty() ? -1 : rows[i].GetValue<std::int64_t>();
    if (!digests.empty()) slices[i].index_digest = digests[i].GetValue<std::string>();
    if (!begins.empty())
      slices[i].rows = RowRange{begins[i].GetValue<std::int64_t>(), ends[i].GetValue<std::int64_t>()};
  }
  return slices;
}

duckdb::unique_ptr<FunctionData> bind(ClientContext& context, duckdb::TableFunctionBindInput& input,
                                      duckdb::vector<LogicalType>& types, duckdb::vector<duckdb::Identifier>& names) {
  auto bound = duckdb::make_uniq<ScanBind>();
  bound->context = input.info->Cast<ScanInfo>().context;
  bound->most_threads = named_number(input, "threads", bound->most_threads);
  bound->most_rows = named_number(input, "batch_rows", bound->most_rows);
  ExchangeScan& scan = bound->scan;
  scan.slices = bind_slices(input);
  if (has_argument(input, "names")) {
    const std::vector<Value> column_names = list_items(input.named_parameters.find("names")->second, "names");
    const std::vector<Value> column_types = named_list(input, "types", column_names.size());
    if (column_types.empty()) throw duckdb::BinderException("millpond_exchange takes names and types together");
    for (std::size_t i = 0; i < column_names.size(); ++i) {
      scan.names.push_back(column_names[i].GetValue<std::string>());
      scan.types.push_back(duckdb::TransformStringToLogicalType(column_types[i].GetValue<std::string>(), context));
    }
  } else {
    throw_if_error(read_scan_schema(*bound->context, scan));
  }
  throw_if_error(count_scan_rows(*bound->context, scan));
  for (const std::string& name : scan.names) names.emplace_back(name);
  types.assign(scan.types.begin(), scan.types.end());
  return bound;
}

duckdb::unique_ptr<GlobalTableFunctionState> initialize_global(ClientContext& context,
                                                               duckdb::TableFunctionInitInput& input) {
  const auto& bound = input.bind_data->Cast<ScanBind>();
  auto global = duckdb::make_uniq<ScanGlobal>();
  global->context = bound.context;
  std::vector<std::size_t> wanted;
  for (const duckdb::column_t column : input.column_ids) {
    if (column >= bound.scan.names.size()) {
      global->asked.push_back(kNoColumn);
      continue;
    }
    global->asked.push_back(wanted.size());
    wanted.push_back(column);
    global->types.push_back(bound.scan.types[column]);
  }
  global->most_threads = bound.most_threads;
  const auto all_threads = static_cast<std::uint64_t>(duckdb::TaskScheduler::GetScheduler(context).NumberOfThreads());
  const std::uint64_t threads = std::min(all_threads, bound.most_threads);
  // Full units when there are enough of them for all threads.
  const std::uint64_t unit_rows = bound.scan.rows >= threads * 2 * bound.most_rows
                                      ? bound.most_rows
                                      : std::clamp(bound.scan.rows / (threads * 4), std::min(kMinUnitRows, bound.most_rows), bound.most_rows);
  global->plan = value_or_throw(plan_exchange_scan(*bound.context, bound.scan, wanted, unit_rows, bound.most_threads == 1));
  return global;
}

duckdb::unique_ptr<LocalTableFunctionState> initialize_local(duckdb::ExecutionContext&, duckdb::TableFunctionInitInput&,
                                                             GlobalTableFunctionState*) {
  return duckdb::make_uniq<ScanLocal>();
}

// Reads the wanted columns of a piece; of a store's file those of the whole unit, since each read waits for an answer.
void read_chunks(const ScanGlobal& global, ScanLocal& local, const ExchangePiece& piece) {
  const ExchangeScanFile& file = global.plan.files[piece.file];
  if (file.file->is_on_store()) {
    const ExchangeUnit& unit = global.plan.units[local.unit];
    if (local.ahead_unit != local.unit) {
      // From the first piece that isn't open already.
      local.ahead = value_or_throw(read_pieces(global.context->files(), global.plan, std::span(unit).subspan(local.piece)));
      local.ahead_unit = local.unit;
      local.ahead_piece = local.piece;
    }
    local.chunks = std::move(local.ahead[local.piece - local.ahead_piece]);
    return;
  }
  if (local.file_number != piece.file) {
    local.file = value_or_throw(file.file->open_data(global.context->files()));
    local.file_number = piece.file;
  }
  local.chunks = value_or_throw(file.file->read(*local.file, piece.segment, file.columns));
}

// Reads and opens the wanted columns of the next piece.
void open_piece(const ScanGlobal& global, ScanLocal& local, const ExchangePiece& piece) {
  const ExchangeScanFile& file = global.plan.files[piece.file];
  local.row = piece.from;
  local.piece_open = true;
  if (global.types.empty()) return;  // Only rows are counted.
  // The rest of a segment that was cut.
  if (local.open_file == piece.file && local.open_segment == piece.segment) return;
  local.open_file = kNoColumn;
  local.decoders.clear();
  read_chunks(global, local, piece);
  for (std::size_t i = 0; i < global.types.size(); ++i) {
    auto decoder = make_column_decoder(global.types[i], local.chunks.chunk(file.wanted[i]), piece.segment.rows);
    if (!decoder.is_ok()) {
      ErrorContext where;
      where.file = file.file->path();
      throw_status(decoder.status().with_context(where));
    }
    local.decoders.push_back(std::move(decoder).value());
  }
  local.open_file = piece.file;
  local.open_segment = piece.segment;
}

// Moves to a piece with rows left; false at the end of the unit.
bool next_piece(const ScanGlobal& global, ScanLocal& local) {
  const ExchangeUnit& unit = global.plan.units[local.unit];
  if (local.piece_open && local.row < unit[local.piece].to) return true;
  if (local.piece_open) {
    local.piece_open = false;
    ++local.piece;
  }
  if (local.piece == unit.size()) return false;
  open_piece(global, local, unit[local.piece]);
  return true;
}

void read_rows(const ScanGlobal& global, const ScanLocal& local, duckdb::DataChunk& output, std::size_t count,
               std::size_t offset) {
  for (std::size_t i = 0; i < global.asked.size(); ++i) {
    if (global.asked[i] == kNoColumn) continue;
    const ColumnDecoder& decoder = *local.decoders[global.asked[i]];
    decoder.read(local.row, count, output.data[i], offset);
    if (decoder.borrows()) output.data[i].AddAuxiliaryData(duckdb::make_uniq<ChunkOwner>(local.chunks.owner()));
  }
}

void scan(ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& output) {
  auto& global = input.global_state->Cast<ScanGlobal>();
  auto& local = input.local_state->Cast<ScanLocal>();
  while (!local.has_unit || !next_piece(global, local)) {
    local.unit = global.next_unit++;
    if (local.unit >= global.plan.units.size()) return;
    local.has_unit = true;
    local.piece = 0;
    local.piece_open = false;
  }
  // A chunk takes rows of several segments, which may be small, but of one unit.
  std::size_t filled = 0;
  do {
    const ExchangePiece& piece = global.plan.units[local.unit][local.piece];
    const std::size_t count = std::min<std::uint64_t>(piece.to - local.row, STANDARD_VECTOR_SIZE - filled);
    read_rows(global, local, output, count, filled);
    local.row += count;
    filled += count;
  } while (filled < STANDARD_VECTOR_SIZE && next_piece(global, local));
  for (std::size_t i = 0; i < global.asked.size(); ++i) {
    if (global.asked[i] == kNoColumn) duckdb::ConstantVector::SetNull(output.data[i], duckdb::count_t(filled));
  }
  output.SetChildCardinality(filled);
}

duckdb::OperatorPartitionData partition_data(ClientContext&, duckdb::TableFunctionGetPartitionInput& input) {
  if (input.partition_info.RequiresPartitionColumns()) {
    throw duckdb::InternalException("millpond_exchange has no partition columns");
  }
  return duckdb::OperatorPartitionData(input.local_state->Cast<ScanLocal>().unit);
}

duckdb::unique_ptr<duckdb::NodeStatistics> cardinality(ClientContext&, const FunctionData* bind_data) {
  const std::uint64_t rows = bind_data->Cast<ScanBind>().scan.rows;
  return duckdb::make_uniq<duckdb::NodeStatistics>(rows, rows);
}

duckdb::virtual_column_map_t virtual_columns(ClientContext&, duckdb::optional_ptr<FunctionData>) {
  duckdb::virtual_column_map_t columns;
  columns.insert({duckdb::COLUMN_IDENTIFIER_EMPTY, duckdb::TableColumn("", LogicalType::BOOLEAN)});
  return columns;
}

double progress(ClientContext&, const FunctionData*, const GlobalTableFunctionState* global_data) {
  const auto& global = global_data->Cast<ScanGlobal>();
  if (global.plan.units.empty()) return 100;
  const std::size_t done = std::min(global.next_unit.load(), global.plan.units.size());
  return 100.0 * static_cast<double>(done) / static_cast<double>(global.plan.units.size());
}

bool repeatable(duckdb::optional_ptr<const FunctionData>) { return true; }

}  // namespace

void register_exchange_scan(duckdb::ExtensionLoader& loader, std::shared_ptr<ExchangeContext> context) {
  auto info = duckdb::make_shared_ptr<ScanInfo>();
  info->context = std::move(context);
  const LogicalType texts = LogicalType::LIST(LogicalType::VARCHAR);
  const LogicalType numbers = LogicalType::LIST(LogicalType::BIGINT);
  duckdb::TableFunction function("millpond_exchange", {texts, numbers}, scan, bind, initialize_global,
                                 initialize_local);
  for (const char* name : {"names", "types", "digests"})
    function.GetSignature().AddKeywordOnly(name, texts, Value(texts));
  for (const char* name : {"num_rows", "begins", "ends"}) {
    function.GetSignature().AddKeywordOnly(name, numbers, Value(numbers));
  }
  for (const char* name : {"threads", "batch_rows"}) {
    function.GetSignature().AddKeywordOnly(name, LogicalType::BIGINT, Value(LogicalType::BIGINT));
  }
  function.function_info = info;
  function.projection_pushdown = true;
  function.get_partition_data = partition_data;
  function.cardinality = cardinality;
  function.get_virtual_columns = virtual_columns;
  function.table_scan_progress = progress;
  function.is_repeatable = repeatable;
  loader.RegisterFunction(function);
}

}  // namespace millpond
