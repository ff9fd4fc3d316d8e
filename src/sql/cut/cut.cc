#include <utility>

#include "duckdb/common/string_util.hpp"
#include "duckdb/planner/planner.hpp"
#include "sql/bound_query.h"
#include "sql/cut/cutter.h"
#include "sql/cut/scan_filters.h"
#include "sql/engine_impl.h"
#include "sql/statements.h"

namespace millpond {
namespace {

// A beginning of names that stands in no text of the user's: all of them may come back in the exported SQL.
std::string free_prefix(const std::string& query, const std::vector<BoundInput>& inputs) {
  std::string texts = query;
  for (const BoundInput& input : inputs) {
    texts += "\n" + input.name;
    for (const Column& column : input.schema) texts += "\n" + column.name + "\n" + column.type;
  }
  std::string prefix = "millpond_source_";
  while (duckdb::StringUtil::Contains(duckdb::StringUtil::Lower(texts), prefix)) prefix += "_";
  return prefix;
}

}  // namespace

Result<CutPlan> Engine::cut(const std::string& query, const std::vector<BoundInput>& inputs,
                            const CutOptions& options) {
  return without_exceptions([&]() -> Result<CutPlan> {
    duckdb::Connection connection(*impl_->database());
    MILLPOND_ASSIGN_OR_RETURN(BoundQuery bound, prepare_planned_query(connection, query, inputs));
    const std::string prefix = free_prefix(query, inputs);
    return without_exceptions(bound.text, [&]() -> Result<CutPlan> {
      CutPlan plan;
      connection.context->RunFunctionInTransaction([&] {
        duckdb::Planner planner(*connection.context);
        planner.CreatePlan(std::move(bound.statement));
        planner.Optimize();
        lift_scan_filters(planner.plan);
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
