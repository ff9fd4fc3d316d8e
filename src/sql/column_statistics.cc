#include "sql/column_statistics.h"

#include <utility>

#include "duckdb/common/serializer/binary_deserializer.hpp"
#include "duckdb/common/serializer/binary_serializer.hpp"
#include "duckdb/common/serializer/memory_stream.hpp"
#include "duckdb/common/types/blob.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/planner.hpp"
#include "sql/describe.h"
#include "sql/engine_impl.h"
#include "sql/errors.h"
#include "sql/file_scan.h"
#include "sql/mapped_columns.h"
#include "sql/pinned_inputs.h"
#include "sql/statements.h"

namespace millpond {
namespace {

const duckdb::LogicalGet* scan_of(const duckdb::LogicalOperator& op) {
  if (op.type == duckdb::LogicalOperatorType::LOGICAL_GET) return &op.Cast<duckdb::LogicalGet>();
  return op.children.size() == 1 ? scan_of(*op.children.front()) : nullptr;
}

duckdb::unique_ptr<duckdb::BaseStatistics> statistics_of(duckdb::ClientContext& context, const duckdb::LogicalGet& get,
                                                         duckdb::idx_t column) {
  if (get.function.statistics_extended) {
    const duckdb::ColumnIndex index(column);
    duckdb::TableFunctionGetStatisticsInput input(get.bind_data.get(), index);
    return get.function.statistics_extended(context, input);
  }
  return get.function.statistics ? get.function.statistics(context, get.bind_data.get(), column) : nullptr;
}

}  // namespace

std::string write_statistics(const duckdb::BaseStatistics& statistics) {
  duckdb::MemoryStream stream;
  duckdb::BinarySerializer::Serialize(statistics, stream);
  const duckdb::string bytes(reinterpret_cast<const char*>(stream.GetData()), stream.GetPosition());
  return duckdb::Blob::ToBase64(duckdb::string_t(bytes));
}

duckdb::unique_ptr<duckdb::BaseStatistics> read_statistics(const std::string& text, const duckdb::LogicalType& type) {
  duckdb::string bytes = duckdb::Blob::FromBase64(duckdb::string_t(text));
  duckdb::MemoryStream stream(reinterpret_cast<duckdb::data_ptr_t>(bytes.data()), bytes.size());
  duckdb::BinaryDeserializer deserializer(stream);
  deserializer.Set<const duckdb::LogicalType&>(type);
  deserializer.Begin();
  auto statistics = duckdb::BaseStatistics::Deserialize(deserializer);
  deserializer.End();
  return statistics.ToUnique();
}

Result<std::vector<ColumnStatistics>> Engine::column_statistics(const std::vector<FileSlice>& files,
                                                                const ScanOptions& options) {
  std::vector<ColumnStatistics> all;
  if (files.empty() || options.format != FileFormat::kParquet || maps_columns(options)) return all;
  ScanOptions by_name = options;
  // Only then DuckDB looks at more footers than the first.
  by_name.union_by_name = files.size() > 1;
  return without_exceptions([&]() -> Result<std::vector<ColumnStatistics>> {
    duckdb::Connection connection(*impl_->database());
    PinnedInputs::hold(connection, files);
    auto statement = parse_own(connection, "FROM " + reader_call(paths_of(files), by_name, {}));
    connection.context->RunFunctionInTransaction([&] {
      duckdb::Planner planner(*connection.context);
      planner.CreatePlan(std::move(statement));
      const duckdb::LogicalGet* get = scan_of(*planner.plan);
      for (duckdb::idx_t i = 0; get != nullptr && i < get->names.size(); ++i) {
        const auto statistics = statistics_of(*connection.context, *get, i);
        if (statistics && statistics->GetType() == get->returned_types[i]) all.push_back({get->names[i].GetIdentifierName(), write_statistics(*statistics)});
      }
    });
    return all;
  });
}

}  // namespace millpond
