#include "sql/plan_lineage.h"

#include <utility>
#include <vector>

#include "base/quote.h"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression_iterator.hpp"
#include "duckdb/planner/operator/logical_aggregate.hpp"
#include "duckdb/planner/operator/logical_cteref.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/operator/logical_join.hpp"
#include "duckdb/planner/operator/logical_materialized_cte.hpp"
#include "duckdb/planner/operator/logical_projection.hpp"
#include "sql/bind_input.h"

namespace millpond {
namespace {

using duckdb::LogicalOperatorType;

std::pair<duckdb::idx_t, duckdb::idx_t> key_of(const duckdb::ColumnBinding& binding) {
  return {binding.table_index.index, binding.column_index.GetIndex()};
}

}  // namespace

PlanLineage::PlanLineage(duckdb::LogicalOperator& root) { visit(root, false); }

std::optional<InputColumn> PlanLineage::find(const duckdb::ColumnBinding& binding) const {
  const auto found = known_.find(key_of(binding));
  if (found == known_.end()) return std::nullopt;
  return found->second;
}

std::optional<InputColumn> PlanLineage::find(const duckdb::Expression& expression) const {
  if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF) return std::nullopt;
  const auto& reference = expression.Cast<duckdb::BoundColumnRefExpression>();
  return reference.Depth() > 0 ? std::nullopt : find(reference.Binding());
}

std::optional<std::string> PlanLineage::text_of(const duckdb::Expression& expression, const std::string& input) const {
  if (expression.IsVolatile() || expression.HasSubquery()) return std::nullopt;
  bool is_known = true;
  auto copy = expression.Copy();
  auto name_columns = [&](auto& self, duckdb::unique_ptr<duckdb::Expression>& inner) -> void {
    if (inner->GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF) {
      const auto source = find(*inner);
      is_known = is_known && source.has_value() && source->input == input;
      if (is_known) inner->SetAlias(duckdb::Identifier(quote_identifier(source->column)));
      return;
    }
    duckdb::ExpressionIterator::EnumerateChildren(
        *inner, [&](duckdb::unique_ptr<duckdb::Expression>& child) { self(self, child); });
  };
  name_columns(name_columns, copy);
  return is_known ? std::optional<std::string>(copy->ToString()) : std::nullopt;
}

void PlanLineage::learn(const duckdb::ColumnBinding& binding, const std::optional<InputColumn>& source, bool is_filled) {
  if (source.has_value() && !is_filled) known_[key_of(binding)] = *source;
}

// Below the side of a join that gets NULLs where nothing matches, columns are not told as unchanged.
void PlanLineage::visit_join(duckdb::LogicalOperator& op, bool is_filled) {
  bool left_filled = is_filled;
  bool right_filled = is_filled;
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
      break;
    case LogicalOperatorType::LOGICAL_POSITIONAL_JOIN:
      left_filled = right_filled = true;
      break;
    default: {
      const auto type = op.Cast<duckdb::LogicalJoin>().join_type;
      const bool inner = type == duckdb::JoinType::INNER;
      const bool keeps_left = inner || type == duckdb::JoinType::LEFT || type == duckdb::JoinType::SEMI ||
                              type == duckdb::JoinType::ANTI || type == duckdb::JoinType::MARK ||
                              type == duckdb::JoinType::SINGLE;
      left_filled = is_filled || !keeps_left;
      right_filled = is_filled || !(inner || type == duckdb::JoinType::RIGHT);
    }
  }
  visit(*op.children[0], left_filled);
  visit(*op.children[1], right_filled);
}

void PlanLineage::visit(duckdb::LogicalOperator& op, bool is_filled) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_GET: {
      auto& get = op.Cast<duckdb::LogicalGet>();
      const std::string input = bind_input_name(get.function.GetName().GetIdentifierName(), get.bind_data.get());
      if (input.empty()) break;
      const auto& ids = get.GetColumnIds();
      for (duckdb::idx_t i = 0; i < ids.size(); ++i) {
        if (ids[i].IsVirtualColumn()) continue;
        learn({get.table_index, duckdb::ProjectionIndex(i)},
              InputColumn{input, get.names[ids[i].GetPrimaryIndex()].GetIdentifierName()}, is_filled);
      }
      break;
    }
    case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE: {
      auto& cte = op.Cast<duckdb::LogicalMaterializedCTE>();
      visit(*op.children[0], false);
      std::vector<std::optional<InputColumn>> columns;
      for (const auto& binding : op.children[0]->GetColumnBindings()) columns.push_back(find(binding));
      ctes_[cte.table_index.index] = std::move(columns);
      visit(*op.children[1], is_filled);
      break;
    }
    case LogicalOperatorType::LOGICAL_CTE_REF: {
      auto& reference = op.Cast<duckdb::LogicalCTERef>();
      const auto found = ctes_.find(reference.cte_index.index);
      if (found == ctes_.end()) break;
      for (duckdb::idx_t i = 0; i < found->second.size(); ++i) {
        learn({reference.table_index, duckdb::ProjectionIndex(i)}, found->second[i], is_filled);
      }
      break;
    }
    case LogicalOperatorType::LOGICAL_PROJECTION: {
      visit(*op.children[0], is_filled);
      auto& projection = op.Cast<duckdb::LogicalProjection>();
      for (duckdb::idx_t i = 0; i < projection.expressions.size(); ++i) {
        learn({projection.table_index, duckdb::ProjectionIndex(i)}, find(*projection.expressions[i]), is_filled);
      }
      break;
    }
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY: {
      visit(*op.children[0], is_filled);
      auto& aggregate = op.Cast<duckdb::LogicalAggregate>();
      // With several grouping sets a key may be NULL because it is not grouped by.
      if (aggregate.grouping_sets.size() > 1) break;
      for (duckdb::idx_t i = 0; i < aggregate.groups.size(); ++i) {
        learn({aggregate.group_index, duckdb::ProjectionIndex(i)}, find(*aggregate.groups[i]), is_filled);
      }
      break;
    }
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
    case LogicalOperatorType::LOGICAL_ASOF_JOIN:
    case LogicalOperatorType::LOGICAL_DELIM_JOIN:
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
    case LogicalOperatorType::LOGICAL_POSITIONAL_JOIN:
      visit_join(op, is_filled);
      break;
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_ORDER_BY:
    case LogicalOperatorType::LOGICAL_LIMIT:
    case LogicalOperatorType::LOGICAL_DISTINCT:
    case LogicalOperatorType::LOGICAL_WINDOW:
    case LogicalOperatorType::LOGICAL_UNNEST:
    case LogicalOperatorType::LOGICAL_SAMPLE:
      // These hand their child's columns on under the same bindings.
      visit(*op.children[0], is_filled);
      break;
    default:
      // What stands below is still read, but nothing that comes out is known to be unchanged.
      for (auto& child : op.children) visit(*child, true);
  }
}

}  // namespace millpond
