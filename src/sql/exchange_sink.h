#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "duckdb/planner/operator/logical_extension_operator.hpp"
#include "sql/exchange_functions.h"
#include "sql/exchange_placement.h"

namespace millpond {

/// What one COPY … (FORMAT exchange) writes, and where.
struct ExchangeTarget {
  std::shared_ptr<ExchangeContext> context;
  std::string path;
  std::shared_ptr<const RowPlacer> placer;
  std::vector<ExchangeColumn> columns;  ///< Those that are written.
  Schema schema;                        ///< Of all rows that come in.
  std::size_t batch_rows = 0;           ///< Rows that are encoded together.
  bool sync = true;
};

/// Writes the rows of its child to one exchange file; its own result is one row, their number. Rows keep their order, also
/// when many threads bring them, as far as the child's rows have one.
///
/// It takes the place of DuckDB's own operator for COPY in order, which cuts batches to one size under a lock and keeps up
/// to a quarter of all memory in rows that wait to be encoded.
class LogicalExchangeSink : public duckdb::LogicalExtensionOperator {
 public:
  LogicalExchangeSink(ExchangeTarget target, duckdb::TableIndex table_index);

  duckdb::PhysicalOperator& CreatePlan(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner) override;
  duckdb::vector<duckdb::ColumnBinding> GetColumnBindings() override;
  duckdb::vector<duckdb::TableIndex> GetTableIndex() const override;

 protected:
  void ResolveTypes() override;

 private:
  const ExchangeTarget target_;
  const duckdb::TableIndex table_index_;
};

}  // namespace millpond
