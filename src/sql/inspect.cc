#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "duckdb/main/client_context.hpp"
#include "duckdb/planner/logical_operator_visitor.hpp"
#include "duckdb/planner/operator/logical_aggregate.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/operator/logical_sample.hpp"
#include "duckdb/planner/planner.hpp"
#include "duckdb/planner/statement_preprocessor.hpp"
#include "sql/bind_input.h"
#include "sql/bound_query.h"
#include "sql/engine.h"
#include "sql/engine_impl.h"
#include "sql/errors.h"
#include "sql/plan_lineage.h"

namespace millpond {
namespace {

using duckdb::LogicalOperatorType;

// Table functions whose rows depend on their arguments alone.
bool is_pure_source(const std::string& function) {
  static const std::set<std::string> kPure = {"range", "generate_series", "unnest", "repeat", "repeat_row", "summary"};
  return kPure.count(function) > 0;
}

void note_get(const duckdb::LogicalGet& get, QueryTraits& traits) {
  const std::string function = get.function.GetName().GetIdentifierName();
  if (!bind_input_name(function, get.bind_data.get()).empty() || is_pure_source(function)) return;
  if (!get.GetTable()) traits.is_volatile = true;  // A table is one that the setup made.
}

void note_operator(duckdb::LogicalOperator& op, QueryTraits& traits) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
    case LogicalOperatorType::LOGICAL_PIVOT:
      traits.has_aggregate = true;
      break;
    case LogicalOperatorType::LOGICAL_DISTINCT:
    case LogicalOperatorType::LOGICAL_EXCEPT:
    case LogicalOperatorType::LOGICAL_INTERSECT:
      traits.has_distinct = true;
      break;
    case LogicalOperatorType::LOGICAL_WINDOW:
      traits.has_window = true;
      break;
    case LogicalOperatorType::LOGICAL_TOP_N:
      traits.has_order = traits.has_limit = true;
      break;
    case LogicalOperatorType::LOGICAL_ORDER_BY:
      traits.has_order = true;
      break;
    case LogicalOperatorType::LOGICAL_LIMIT:
      traits.has_limit = true;
      break;
    case LogicalOperatorType::LOGICAL_SAMPLE:
      traits.has_limit = true;
      traits.is_volatile = traits.is_volatile || !op.Cast<duckdb::LogicalSample>().sample_options->repeatable;
      break;
    case LogicalOperatorType::LOGICAL_GET:
      note_get(op.Cast<duckdb::LogicalGet>(), traits);
      break;
    default:
      break;
  }
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(op, [&](duckdb::unique_ptr<duckdb::Expression>* expression) {
    if ((*expression)->IsVolatile() || !(*expression)->IsConsistent()) traits.is_volatile = true;
  });
  for (auto& child : op.children) note_operator(*child, traits);
}

// The aggregate of a plan that is nothing but projections, filters and an order around one aggregate over one input.
duckdb::LogicalAggregate* only_aggregate(duckdb::LogicalOperator& root) {
  duckdb::LogicalAggregate* aggregate = nullptr;
  duckdb::LogicalOperator* op = &root;
  while (true) {
    switch (op->type) {
      case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
        op = op->children[1].get();
        continue;
      case LogicalOperatorType::LOGICAL_ORDER_BY:
      case LogicalOperatorType::LOGICAL_PROJECTION:
      case LogicalOperatorType::LOGICAL_FILTER:
        break;
      case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
        if (aggregate != nullptr) return nullptr;
        aggregate = &op->Cast<duckdb::LogicalAggregate>();
        break;
      case LogicalOperatorType::LOGICAL_GET:
      case LogicalOperatorType::LOGICAL_CTE_REF:
        return aggregate;
      default:
        return nullptr;
    }
    op = op->children[0].get();
  }
}

// Nothing but projections, filters and unnested lists over one input.
bool is_row_wise(const duckdb::LogicalOperator& root) {
  const duckdb::LogicalOperator* op = &root;
  while (true) {
    switch (op->type) {
      case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
        op = op->children[1].get();
        continue;
      case LogicalOperatorType::LOGICAL_PROJECTION:
      case LogicalOperatorType::LOGICAL_FILTER:
      case LogicalOperatorType::LOGICAL_UNNEST:
        op = op->children[0].get();
        continue;
      case LogicalOperatorType::LOGICAL_GET:
      case LogicalOperatorType::LOGICAL_CTE_REF:
        return true;
      default:
        return false;
    }
  }
}

// A user's own CTE may hide work behind the CTE_REF at the bottom; then there are more nodes than the inputs need.
bool only_inputs_below(duckdb::LogicalOperator& root) {
  if (root.type == LogicalOperatorType::LOGICAL_MATERIALIZED_CTE) {
    const duckdb::LogicalOperator* op = root.children[0].get();
    while (op->type == LogicalOperatorType::LOGICAL_PROJECTION) op = op->children[0].get();
    if (op->type != LogicalOperatorType::LOGICAL_GET) return false;
  }
  return std::all_of(root.children.begin(), root.children.end(), [](auto& child) { return only_inputs_below(*child); });
}

void note_lineage(duckdb::LogicalOperator& root, const Schema& result, const std::vector<BoundInput>& inputs,
                  QueryTraits& traits) {
  const PlanLineage lineage(root);
  const auto bindings = root.GetColumnBindings();
  for (std::size_t i = 0; i < bindings.size() && i < result.size(); ++i) {
    const auto source = lineage.find(bindings[i]);
    if (source.has_value() && !inputs.empty() && source->input == inputs.front().name) {
      traits.passed_columns.emplace_back(source->column, result[i].name);
    }
  }
  if (inputs.size() != 1 || !only_inputs_below(root)) return;
  traits.is_row_wise = !traits.is_volatile && is_row_wise(root);
  duckdb::LogicalAggregate* aggregate = only_aggregate(root);
  traits.is_grouping = aggregate != nullptr;
  if (aggregate == nullptr || aggregate->grouping_sets.size() > 1) return;
  for (const auto& group : aggregate->groups) {
    if (const auto source = lineage.find(*group); source.has_value()) traits.group_columns.push_back(source->column);
    if (auto text = lineage.text_of(*group, inputs.front().name)) traits.group_keys.push_back(std::move(*text));
  }
}

void collect_used(duckdb::LogicalOperator& op, std::map<std::string, std::set<std::string>>& used) {
  if (op.type == LogicalOperatorType::LOGICAL_GET) {
    auto& get = op.Cast<duckdb::LogicalGet>();
    const std::string input = bind_input_name(get.function.GetName().GetIdentifierName(), get.bind_data.get());
    for (const auto& id : get.GetColumnIds()) {
      if (!input.empty() && !id.IsVirtualColumn()) used[input].insert(get.names[id.GetPrimaryIndex()].GetIdentifierName());
    }
  }
  for (auto& child : op.children) collect_used(*child, used);
}

// In the inputs' own order of columns.
void note_used(duckdb::LogicalOperator& optimized, const std::vector<BoundInput>& inputs, QueryTraits& traits) {
  std::map<std::string, std::set<std::string>> used;
  collect_used(optimized, used);
  for (const BoundInput& input : inputs) {
    std::vector<std::string> names;
    for (const Column& column : input.schema) {
      if (used[input.name].count(column.name) > 0) names.push_back(column.name);
    }
    traits.used_columns.emplace_back(std::move(names));
  }
}

// What binds later, or with values that nobody gives, has no columns that could be told.
Status check_expanded(const duckdb::vector<duckdb::unique_ptr<duckdb::SQLStatement>>& statements) {
  if (statements.size() != 1) {
    return Status::invalid_argument("PIVOT does not say its values",
                                    "Write them: PIVOT … ON column IN (value, value, …) USING … Only sql() looks them up.");
  }
  if (!statements.front()->named_param_map.empty()) {
    return Status::invalid_argument("the query holds a parameter (? or $1), which nothing fills");
  }
  return Status::ok();
}

}  // namespace

Result<InspectedQuery> Engine::inspect(const std::string& query, const std::vector<BoundInput>& inputs,
                                       const std::vector<std::string>& setup, bool with_used_columns) {
  return without_exceptions([&]() -> Result<InspectedQuery> {
    duckdb::Connection connection(*impl_->database());
    std::optional<ParsedStatement> parsed = impl_->parsed_query.take(query);
    MILLPOND_ASSIGN_OR_RETURN(BoundQuery bound, parsed ? prepare_parsed_query(connection, std::move(*parsed), inputs, setup)
                                                       : prepare_bound_query(connection, query, inputs, setup));
    return without_exceptions(bound.text, [&]() -> Result<InspectedQuery> {
      InspectedQuery found;
      found.query = bound.text.query;
      Status refused;
      connection.context->RunFunctionInTransaction([&] {
        auto expanded = duckdb::StatementPreprocessor(*connection.context).ExpandStatement(std::move(bound.statement));
        refused = check_expanded(expanded.statements);
        if (!refused.is_ok()) return;
        duckdb::Planner planner(*connection.context);
        planner.CreatePlan(std::move(expanded.statements.front()));
        found.schema = schema_of(planner.names, planner.types);
        note_operator(*planner.plan, found.traits);
        note_lineage(*planner.plan, found.schema, inputs, found.traits);
        if (!with_used_columns) return;
        planner.Optimize();
        note_used(*planner.plan, inputs, found.traits);
      });
      MILLPOND_RETURN_IF_ERROR(refused);
      // Setup statements may read the inputs too: what they use is not known here.
      if (!setup.empty() || !with_used_columns) found.traits.used_columns.assign(inputs.size(), std::nullopt);
      return found;
    });
  });
}

Result<Schema> Engine::bind(const std::string& query, const std::vector<BoundInput>& inputs,
                            const std::vector<std::string>& setup) {
  MILLPOND_ASSIGN_OR_RETURN(InspectedQuery found, inspect(query, inputs, setup, false));
  return std::move(found.schema);
}

}  // namespace millpond
