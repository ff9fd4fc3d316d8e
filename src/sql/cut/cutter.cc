#include "sql/cut/cutter.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/quote.h"
#include "duckdb/common/exception.hpp"
#include "duckdb/planner/operator/logical_cteref.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/operator/logical_projection.hpp"
#include "sql/bind_input.h"

namespace millpond {

using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

CutPlan Cutter::run(Operator& root, const duckdb::vector<duckdb::Identifier>& names) {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    CutStep step;
    step.input = i;
    add(std::move(step));
  }
  visit(root);
  std::vector<std::string> texts;
  for (const duckdb::Identifier& name : names) texts.push_back(name.GetIdentifierName());
  emit_named(*root, texts);
  keep_first_questions();
  return std::move(plan_);
}

namespace {

bool reads(const CutPlan& plan, std::size_t step, std::size_t other) {
  std::vector<bool> is_below(step + 1, false);
  is_below[step] = true;
  for (std::size_t i = step + 1; i-- > 0;) {
    if (!is_below[i]) continue;
    for (const std::size_t from : plan.steps[i].from) is_below[from] = true;
  }
  return other < step && is_below[other];
}

}  // namespace

// Those that can be answered now, about what is computed at all.
void Cutter::keep_first_questions() {
  std::vector<CutQuestion> all = std::move(plan_.questions);
  const std::size_t last = plan_.steps.size() - 1;
  std::erase_if(all, [&](const CutQuestion& question) { return !reads(plan_, last, question.step); });
  plan_.questions.clear();
  for (const CutQuestion& question : all) {
    const bool waits = std::any_of(all.begin(), all.end(), [&](const CutQuestion& other) { return reads(plan_, question.step, other.step); });
    if (!waits) plan_.questions.push_back(question);
  }
}

std::string Cutter::id_of(const CutStep& step) const {
  std::string text = std::to_string(static_cast<int>(step.kind)) + "/" + std::to_string(step.input) + "/" +
                     std::to_string(step.rows) + "/" + step.query;
  for (const std::string& key : step.keys) text += "/" + key;
  for (const std::string& order : step.orders) text += "/" + order;
  for (const std::size_t from : step.from) text += "/" + ids_[from];
  return xxh3_128_hex(text);
}

bool Cutter::is_at_rest(const LogicalOperator& op) const {
  const auto source = sources_.find(&op);
  if (source != sources_.end()) return plan_.steps[source->second.step].kind == CutStep::Kind::kInput;
  return op.type == LogicalOperatorType::LOGICAL_PROJECTION && is_at_rest(*op.children.front());
}

std::uint64_t Cutter::rows_of(LogicalOperator& op) {
  return op.has_estimated_cardinality ? op.estimated_cardinality : op.EstimateCardinality(context_);
}

Spread Cutter::visit(Operator& op) {
  switch (op->type) {
    case LogicalOperatorType::LOGICAL_GET: return visit_get(*op);
    case LogicalOperatorType::LOGICAL_CTE_REF: return visit_cte_ref(*op);
    case LogicalOperatorType::LOGICAL_DELIM_GET: return visit_cte_ref(*op);
    case LogicalOperatorType::LOGICAL_DUMMY_SCAN:
    case LogicalOperatorType::LOGICAL_EXPRESSION_GET:
    case LogicalOperatorType::LOGICAL_EMPTY_RESULT:
    case LogicalOperatorType::LOGICAL_CHUNK_GET: {
      for (auto& child : op->children) visit_whole(*child, "it is a constant");
      Spread constant;
      constant.is_constant = op->children.empty() || op->children.front()->type == LogicalOperatorType::LOGICAL_DUMMY_SCAN;
      return constant;
    }
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_UNNEST: return visit(op->children.front());
    case LogicalOperatorType::LOGICAL_PROJECTION: return visit_projection(*op);
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY: return visit_aggregate(op);
    case LogicalOperatorType::LOGICAL_DISTINCT: return visit_distinct(*op);
    case LogicalOperatorType::LOGICAL_WINDOW: return visit_window(*op);
    case LogicalOperatorType::LOGICAL_TOP_N: return visit_top_n(*op);
    case LogicalOperatorType::LOGICAL_LIMIT: return visit_limit(*op);
    case LogicalOperatorType::LOGICAL_ORDER_BY: return visit_order(*op);
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
    case LogicalOperatorType::LOGICAL_ASOF_JOIN: return visit_join(*op);
    case LogicalOperatorType::LOGICAL_DELIM_JOIN: return visit_delim_join(*op);
    case LogicalOperatorType::LOGICAL_UNION: return visit_union(*op);
    case LogicalOperatorType::LOGICAL_EXCEPT:
    case LogicalOperatorType::LOGICAL_INTERSECT: return visit_set_difference(*op);
    case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE: return visit_cte(op);
    default: return visit_whole(*op, op->GetName() + " needs all rows");
  }
}

Spread Cutter::visit_get(LogicalOperator& op) {
  auto& get = op.Cast<duckdb::LogicalGet>();
  const std::string name = bind_input_name(get.function.GetName().GetIdentifierName(), get.bind_data.get());
  if (name.empty()) {
    for (auto& child : op.children) gather(*child, visit(child), "a table function takes all rows");
    return {};
  }
  const auto input = std::find_if(inputs_.begin(), inputs_.end(), [&](const BoundInput& one) { return one.name == name; });
  if (input == inputs_.end()) throw duckdb::InternalException("no input is called %s", name);
  Source source{static_cast<std::size_t>(input - inputs_.begin()), {}};
  for (const auto& binding : get.GetColumnBindings()) {
    const auto& column = get.GetColumnIndex(binding);
    if (column.IsVirtualColumn()) {
      // Asked for where only the number of rows counts.
      source.columns.push_back("NULL::" + get.GetColumnType(column).ToString());
    } else if (column.IsPushdownExtract()) {
      throw duckdb::NotImplementedException("a scan reads a part of a nested column");
    } else {
      source.columns.push_back(quote_identifier(get.names[column.GetPrimaryIndex()].GetIdentifierName()));
    }
  }
  set_source(op, std::move(source));
  Spread spread;
  spread.is_single = input->num_partitions == 1;
  if (spread.is_single || !input->placement) return spread;
  const auto bindings = get.GetColumnBindings();
  const auto columns_of = [&](const std::string& name) {
    std::vector<duckdb::ColumnBinding> columns;
    for (const auto& binding : bindings) {
      const auto& column = get.GetColumnIndex(binding);
      if (column.IsVirtualColumn()) continue;
      if (get.names[column.GetPrimaryIndex()].GetIdentifierName() == name) columns.push_back(binding);
    }
    return columns;
  };
  for (const std::string& key : input->placement->keys) spread.keys.push_back(columns_of(key));
  spread.placement = input->placement->identity;
  for (const auto& range : input->placement->ranges) {
    std::vector<duckdb::ColumnBinding> columns = columns_of(range.column);
    if (columns.empty()) break;
    spread.ranges.push_back({std::move(columns), range.order});
  }
  return spread;
}

Spread Cutter::visit_projection(LogicalOperator& op) {
  const Spread spread = visit(op.children.front());
  const auto& projection = op.Cast<duckdb::LogicalProjection>();
  return with_names(spread, [&](const duckdb::ColumnBinding& below) {
    std::vector<duckdb::ColumnBinding> names;
    for (std::size_t i = 0; i < op.expressions.size(); ++i) {
      const auto* column = column_of(*op.expressions[i]);
      if (column != nullptr && *column == below) names.push_back({projection.table_index, duckdb::ProjectionIndex(i)});
    }
    return names;
  });
}

// Brings inputs of several partitions together where they are read; the rest of the subtree stays as it is.
Spread Cutter::visit_whole(LogicalOperator& op, const std::string& reason) {
  if (op.type == LogicalOperatorType::LOGICAL_GET) return gather(op, visit_get(op), reason);
  if (op.type == LogicalOperatorType::LOGICAL_CTE_REF && ctes_.contains(op.Cast<duckdb::LogicalCTERef>().cte_index.index)) {
    return gather(op, visit_cte_ref(op), reason);
  }
  if (op.type == LogicalOperatorType::LOGICAL_DELIM_GET && !delims_.empty() && whole_delims_ == 0) {
    return gather(op, visit_cte_ref(op), reason);
  }
  const bool is_delim = op.type == LogicalOperatorType::LOGICAL_DELIM_JOIN;
  whole_delims_ += is_delim ? 1 : 0;
  for (auto& child : op.children) visit_whole(*child, reason);
  whole_delims_ -= is_delim ? 1 : 0;
  return {};
}

}  // namespace millpond
