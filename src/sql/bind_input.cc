#include "sql/bind_input.h"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <map>
#include <vector>

#include "base/json.h"
#include "base/quote.h"
#include "duckdb/common/types/decimal.hpp"
#include "duckdb/function/table_function.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/extension/extension_loader.hpp"
#include "sql/column_statistics.h"
#include "sql/errors.h"
#include "sql/status_exception.h"

namespace millpond {
namespace {

constexpr const char* kFunction = "millpond_input";

struct BoundRelation : public duckdb::TableFunctionData {
  std::string name;
  std::int64_t num_rows = -1;
  std::vector<std::string> columns;
  std::vector<duckdb::LogicalType> types;
  std::map<std::string, std::string> statistics;  // See ColumnStatistics, by column.
};

// The types that most columns have, by their names. DuckDB's way from a text to a type is its parser, 30 us a column.
const std::unordered_map<std::string, duckdb::LogicalType>& common_types() {
  static const auto kTypes = [] {
    using duckdb::LogicalType;
    std::unordered_map<std::string, LogicalType> types;
    for (const LogicalType type :
         {LogicalType::BOOLEAN, LogicalType::TINYINT, LogicalType::SMALLINT, LogicalType::INTEGER, LogicalType::BIGINT,
          LogicalType::UTINYINT, LogicalType::USMALLINT, LogicalType::UINTEGER, LogicalType::UBIGINT, LogicalType::HUGEINT,
          LogicalType::FLOAT, LogicalType::DOUBLE, LogicalType::VARCHAR, LogicalType::BLOB, LogicalType::DATE,
          LogicalType::TIME, LogicalType::TIMESTAMP, LogicalType::TIMESTAMP_TZ, LogicalType::INTERVAL, LogicalType::UUID}) {
      types.emplace(type.ToString(), type);
    }
    for (std::uint8_t width = 1; width <= duckdb::Decimal::MAX_WIDTH_DECIMAL; ++width) {
      for (std::uint8_t scale = 0; scale <= width; ++scale) {
        const LogicalType type = LogicalType::DECIMAL(width, scale);
        types.emplace(type.ToString(), type);
      }
    }
    return types;
  }();
  return kTypes;
}

duckdb::LogicalType type_of(const std::string& text, duckdb::ClientContext& context) {
  const auto common = common_types().find(text);
  return common != common_types().end() ? common->second : duckdb::TransformStringToLogicalType(text, context);
}

Result<Schema> schema_from_text(const std::string& text) {
  MILLPOND_ASSIGN_OR_RETURN(const Json json, Json::parse(text));
  return schema_from_json(json);
}

duckdb::unique_ptr<duckdb::FunctionData> bind_relation(duckdb::ClientContext& context,
                                                       duckdb::TableFunctionBindInput& input,
                                                       duckdb::vector<duckdb::LogicalType>& types,
                                                       duckdb::vector<duckdb::Identifier>& names) {
  const Schema schema = value_or_throw(schema_from_text(duckdb::StringValue::Get(input.inputs[1])));
  for (const Column& column : schema) {
    names.emplace_back(column.name);
    types.push_back(type_of(column.type, context));
  }
  auto data = duckdb::make_uniq<BoundRelation>();
  data->name = duckdb::StringValue::Get(input.inputs[0]);
  for (const auto& name : names) data->columns.push_back(name.GetIdentifierName());
  data->types.assign(types.begin(), types.end());
  const auto rows = input.named_parameters.find("num_rows");
  if (rows != input.named_parameters.end() && !rows->second.IsNull()) {
    data->num_rows = rows->second.GetValue<std::int64_t>();
  }
  const auto statistics = input.named_parameters.find("statistics");
  if (statistics != input.named_parameters.end() && !statistics->second.IsNull()) {
    const auto& texts = duckdb::ListValue::GetChildren(statistics->second);
    for (std::size_t i = 0; i + 1 < texts.size(); i += 2) {
      data->statistics[duckdb::StringValue::Get(texts[i])] = duckdb::StringValue::Get(texts[i + 1]);
    }
  }
  return data;
}

duckdb::unique_ptr<duckdb::NodeStatistics> num_rows(duckdb::ClientContext&, const duckdb::FunctionData* data) {
  const std::int64_t rows = data->Cast<BoundRelation>().num_rows;
  if (rows < 0) return nullptr;
  return duckdb::make_uniq<duckdb::NodeStatistics>(static_cast<duckdb::idx_t>(rows));
}

duckdb::unique_ptr<duckdb::BaseStatistics> statistics_of(duckdb::ClientContext&, const duckdb::FunctionData* data,
                                                         duckdb::column_t column) {
  const auto& relation = data->Cast<BoundRelation>();
  if (column >= relation.columns.size()) return nullptr;
  const auto found = relation.statistics.find(relation.columns[column]);
  return found == relation.statistics.end() ? nullptr : read_statistics(found->second, relation.types[column]);
}

// As the scans of files and tables do, so that DuckDB estimates alike.
bool takes_any_filter(duckdb::ClientContext&, const duckdb::LogicalGet&, duckdb::Expression&) { return true; }

// Nothing is put in the chunk: no rows.
void no_rows(duckdb::ClientContext&, duckdb::TableFunctionInput&, duckdb::DataChunk&) {}

}  // namespace

Status register_bind_input(duckdb::DatabaseInstance& database) {
  return without_exceptions([&]() -> Status {
    const auto texts = duckdb::LogicalType::LIST(duckdb::LogicalType::VARCHAR);
    duckdb::TableFunction function(kFunction, {duckdb::LogicalType::VARCHAR, duckdb::LogicalType::VARCHAR}, no_rows, bind_relation);
    function.projection_pushdown = true;
    function.filter_pushdown = true;
    // So that what only a filter reads is known to end there: see lift_scan_filters.
    function.filter_prune = true;
    function.pushdown_expression = takes_any_filter;
    function.cardinality = num_rows;
    function.statistics = statistics_of;
    function.GetSignature().AddKeywordOnly("num_rows", duckdb::LogicalType::BIGINT, duckdb::Value(duckdb::LogicalType::BIGINT));
    function.GetSignature().AddKeywordOnly("statistics", texts, duckdb::Value(texts));
    duckdb::ExtensionLoader loader(database, "millpond");
    loader.RegisterFunction(function);
    return Status::ok();
  });
}

std::string bind_input_select(const BoundInput& input) {
  std::vector<std::string> statistics;
  for (const ColumnStatistics& one : input.statistics) statistics.insert(statistics.end(), {one.column, one.text});
  // One literal for all columns: DuckDB's parser takes a microsecond and more for each token.
  return "FROM " + std::string(kFunction) + "(" + quote_literal(input.name) + ", " +
         quote_literal(schema_to_json(input.schema).dump()) + (input.num_rows < 0 ? "" : ", num_rows := " + std::to_string(input.num_rows)) +
         (statistics.empty() ? "" : ", statistics := " + quote_list(statistics)) + ")";
}

std::string bind_input_name(const duckdb::string& function, const duckdb::FunctionData* data) {
  if (function != kFunction || data == nullptr) return {};
  return data->Cast<BoundRelation>().name;
}

}  // namespace millpond
