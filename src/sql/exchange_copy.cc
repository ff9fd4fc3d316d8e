#include "sql/exchange_copy.h"

#include <algorithm>
#include <utility>

#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/copy_function_catalog_entry.hpp"
#include "duckdb/function/copy_function.hpp"
#include "duckdb/parser/parsed_data/copy_info.hpp"
#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/statement/copy_statement.hpp"
#include "duckdb/planner/binder.hpp"
#include "sql/arrow_export.h"
#include "sql/column_codec_fixed.h"
#include "sql/exchange_placement.h"
#include "sql/exchange_sink.h"
#include "sql/exchange_types.h"

namespace millpond {
namespace {

constexpr char kFormat[] = "exchange";

// Rows of a batch: one row group of a Parquet file. With many partitions larger ones, so that a segment stays worth its
// place in the index; with wide rows smaller ones, so that memory stays bounded. Strings are guessed.
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

// DuckDB hands the planning callback nothing of ours, so it is found where it was registered.
std::shared_ptr<ExchangeContext> context_of(duckdb::ClientContext& context) {
  duckdb::Catalog& catalog = duckdb::Catalog::GetSystemCatalog(context);
  auto& entry = catalog.GetEntry<duckdb::CopyFunctionCatalogEntry>(
      context, {catalog.GetName(), duckdb::Identifier::DefaultSchema(), duckdb::Identifier(kFormat)});
  return static_cast<CopyInfo&>(*entry.function.function_info).context;
}

// Plans the statement: our own operator above the query's plan.
duckdb::BoundStatement plan(duckdb::Binder& binder, duckdb::CopyStatement& statement) {
  const duckdb::CopyInfo& info = *statement.info;
  duckdb::BoundStatement query = binder.Bind(*info.select_statement->Copy());
  ExchangeTarget target;
  target.schema = schema_of(query.names, query.types);
  std::vector<std::string> names;
  for (const Column& column : target.schema) names.push_back(column.name);
  const std::vector<duckdb::LogicalType> types(query.types.begin(), query.types.end());
  target.context = context_of(binder.context);
  target.path = info.file_path;
  target.placer = std::make_shared<RowPlacer>(placement_option(info), names, types);
  target.batch_rows = choose_batch_rows(types, target.placer->partitions());
  if (const duckdb::Value* sync = single_option(info, "sync")) target.sync = sync->GetValue<bool>();
  for (const std::size_t i : target.placer->written()) target.columns.push_back(exchange_column(names[i], types[i]));
  auto sink = duckdb::make_uniq<LogicalExchangeSink>(std::move(target), binder.GenerateTableIndex());
  sink->AddChild(std::move(query.plan));
  binder.GetStatementProperties().return_type = duckdb::StatementReturnType::CHANGED_ROWS;
  duckdb::BoundStatement bound;
  bound.names = {"Count"};
  bound.types = {duckdb::LogicalType::BIGINT};
  bound.plan = std::move(sink);
  return bound;
}

}  // namespace

void register_exchange_copy(duckdb::ExtensionLoader& loader, std::shared_ptr<ExchangeContext> context) {
  auto info = duckdb::make_shared_ptr<CopyInfo>();
  info->context = std::move(context);
  duckdb::CopyFunction function(kFormat);
  function.extension = "mpx";
  function.function_info = info;
  function.plan = plan;
  loader.RegisterFunction(function);
}

}  // namespace millpond
