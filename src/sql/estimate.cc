#include <algorithm>
#include <limits>
#include <utility>

#include "duckdb/main/client_context.hpp"
#include "duckdb/planner/planner.hpp"
#include "sql/bound_query.h"
#include "sql/engine_impl.h"

namespace millpond {

Result<std::int64_t> Engine::estimate_rows(const std::string& query, const std::vector<BoundInput>& inputs,
                                           const std::vector<std::string>& setup) {
  return without_exceptions([&]() -> Result<std::int64_t> {
    duckdb::Connection connection(*impl_->database());
    MILLPOND_ASSIGN_OR_RETURN(BoundQuery bound, prepare_bound_query(connection, query, inputs, setup));
    duckdb::idx_t rows = 0;
    connection.context->RunFunctionInTransaction([&] {
      duckdb::Planner planner(*connection.context);
      planner.CreatePlan(std::move(bound.statement));
      planner.Optimize();
      rows = planner.plan->EstimateCardinality(*connection.context);
    });
    return static_cast<std::int64_t>(std::min<duckdb::idx_t>(rows, std::numeric_limits<std::int64_t>::max()));
  });
}

}  // namespace millpond
