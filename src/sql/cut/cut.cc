#include <utility>

#include "duckdb/planner/planner.hpp"
#include "sql/bound_query.h"
#include "sql/cut/cutter.h"
#include "sql/engine_impl.h"
#include "sql/statements.h"

namespace millpond {

Result<CutPlan> Engine::cut(const std::string& query, const std::vector<BoundInput>& inputs,
                            const CutOptions& options) {
  return without_exceptions([&]() -> Result<CutPlan> {
    duckdb::Connection connection(*impl_->database());
    MILLPOND_ASSIGN_OR_RETURN(BoundQuery bound, prepare_bound_query(connection, query, inputs, {}));
    std::string prefix = "millpond_source_";
    while (query.find(prefix) != std::string::npos) prefix += "_";
    return without_exceptions(bound.text, [&]() -> Result<CutPlan> {
      CutPlan plan;
      connection.context->RunFunctionInTransaction([&] {
        duckdb::Planner planner(*connection.context);
        planner.CreatePlan(std::move(bound.statement));
        planner.Optimize();
        planner.plan->ResolveOperatorTypes();
        duckdb::vector<duckdb::Identifier> names = planner.names;
        duckdb::QueryResult::DeduplicateColumns(names);
        plan = Cutter(*connection.context, *planner.binder, inputs, options, prefix).run(planner.plan, names);
      });
      return plan;
    });
  });
}

}  // namespace millpond
