// What follows for a join from what is known of a side that was dealt first: nothing, or bounds for the other side's keys.

#include <algorithm>
#include <utility>

#include "duckdb/planner/expression/bound_comparison_expression.hpp"
#include "duckdb/planner/expression/bound_constant_expression.hpp"
#include "duckdb/planner/operator/logical_filter.hpp"
#include "sql/arrow_export.h"
#include "sql/cut/cutter.h"

namespace millpond {
namespace {

using duckdb::ExpressionType;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;

// Types whose values come back from their text as they were. Strings do, too, but may hold anything, and end up in SQL.
bool has_bounds(const JoinKey& key) {
  const LogicalType& type = key.key->GetReturnType();
  if (key.null_meets_null || type.HasAlias()) return false;
  switch (type.id()) {
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::UBIGINT:
    case LogicalTypeId::UHUGEINT:
    case LogicalTypeId::DECIMAL:
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIMESTAMP: return true;
    default: return false;
  }
}

}  // namespace

void Cutter::ask(std::size_t dealt, const std::vector<JoinKey>& keys, bool with_bounds) {
  CutQuestion question{dealt, std::nullopt, ids_[dealt]};
  if (with_bounds && std::any_of(keys.begin(), keys.end(), has_bounds)) {
    CutStep each;
    CutStep all;
    each.kind = all.kind = CutStep::Kind::kQuery;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::string type = has_bounds(keys[i]) ? type_to_sql(keys[i].key->GetReturnType()) : "VARCHAR";
      const std::string column = has_bounds(keys[i]) ? plan_.steps[dealt].keys[i] : "NULL::VARCHAR";
      for (const auto& [name, function] : {std::pair(numbered('a', i), "min("), std::pair(numbered('b', i), "max(")}) {
        each.query += (each.query.empty() ? "SELECT " : ", ") + (function + column) + ") AS " + name;
        each.schema.push_back({name, type});
        all.query += (all.query.empty() ? "SELECT " : ", ") + (function + name) + ")::VARCHAR AS " + name;
        all.schema.push_back({name, "VARCHAR"});
      }
    }
    each.query += " FROM {0}";
    each.from = {dealt};
    each.divisible = {0};
    CutStep together;
    together.kind = CutStep::Kind::kGather;
    together.from = {add(std::move(each))};
    together.reason = "the bounds of a join's keys";
    all.query += " FROM {0}";
    all.from = {add(std::move(together))};
    question.bounds = add(std::move(all));
  }
  plan_.questions.push_back(std::move(question));
}

void Cutter::keep_within(Operator& other, const std::vector<JoinKey>& keys, const std::vector<KeyBounds>& bounds) {
  auto filter = duckdb::make_uniq<duckdb::LogicalFilter>();
  const auto compare = [&](const duckdb::Expression& key, ExpressionType how, const std::optional<std::string>& bound) {
    if (!bound) return;
    auto value = duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(*bound).DefaultCastAs(key.GetReturnType(), true));
    filter->expressions.push_back(duckdb::BoundComparisonExpression::Create(how, key.Copy(), std::move(value)));
  };
  for (std::size_t i = 0; i < std::min(keys.size(), bounds.size()); ++i) {
    if (!has_bounds(keys[i])) continue;
    compare(*keys[i].key, ExpressionType::COMPARE_GREATERTHANOREQUALTO, bounds[i].least);
    compare(*keys[i].key, ExpressionType::COMPARE_LESSTHANOREQUALTO, bounds[i].greatest);
  }
  if (filter->expressions.empty()) return;
  if (other->has_estimated_cardinality) filter->SetEstimatedCardinality(other->estimated_cardinality);
  filter->children.push_back(std::move(other));
  other = std::move(filter);
  other->ResolveOperatorTypes();
}

Spread Cutter::nothing_of(duckdb::LogicalOperator& join, std::size_t dealt) {
  CutStep none;
  none.kind = CutStep::Kind::kQuery;
  none.from = {dealt};
  for (std::size_t i = 0; i < join.types.size(); ++i) {
    refuse_collation(join.types[i]);
    const std::string type = type_to_sql(join.types[i]);
    none.query += (none.query.empty() ? "SELECT NULL::" : ", NULL::") + type + " AS " + numbered('c', i);
    none.schema.push_back({numbered('c', i), type});
  }
  if (none.schema.empty()) {
    none.query = "SELECT NULL::INTEGER AS c0";
    none.schema.push_back({"c0", "INTEGER"});
  }
  none.query += " FROM {0} WHERE false";
  set_source(join, add(std::move(none)));
  Spread spread;
  spread.is_single = false;
  return spread;
}

}  // namespace millpond
