// What follows for a join from what is known of a side that was dealt first: no rows, or bounds for the other side's keys.

#include <algorithm>
#include <utility>

#include "duckdb/planner/expression/bound_cast_expression.hpp"
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

// Longer strings say little more, and end up in SQL.
constexpr std::size_t kLongestBound = 128;

// Types whose values come back from their text as they were.
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
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS:
    case LogicalTypeId::UUID: return true;
    case LogicalTypeId::VARCHAR: return duckdb::StringType::GetCollation(type).empty();
    default: return false;
  }
}

bool is_float(const LogicalType& type) { return type.id() == LogicalTypeId::FLOAT || type.id() == LogicalTypeId::DOUBLE; }

// Any bytes may stand in a string. Of those that could be taken for something else in SQL none is worth a bound.
bool can_stand_in_sql(const std::string& text, const std::string& reserved) {
  const auto is_control = [](char c) { return c >= 0 && c < ' '; };
  return text.size() <= kLongestBound && std::none_of(text.begin(), text.end(), is_control) && text.find(reserved) == std::string::npos;
}

// NaN is greater than all numbers and equals itself, but statistics of files are made without it.
bool may_meet_nan(const JoinKey& key, const KeyBounds& bounds) {
  return is_float(key.key->GetReturnType()) && bounds.greatest == "nan";
}

// The value as the plan and the exported SQL take it alike. A number with a point would be read as a DECIMAL, and the DOUBLE
// made of that may be next to the one meant.
duckdb::unique_ptr<duckdb::Expression> constant_of(const std::string& text, const LogicalType& type) {
  if (!is_float(type)) return duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(text).DefaultCastAs(type, true));
  auto value = duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(text));
  return duckdb::BoundCastExpression::AddDefaultCastToType(std::move(value), type);
}

}  // namespace

void Cutter::ask(std::size_t dealt, const std::vector<JoinKey>& keys, bool with_keys) {
  CutQuestion question{dealt, std::nullopt, ids_[dealt]};
  if (with_keys) {
    CutStep each;
    CutStep all;
    std::string columns;
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
    for (const std::string& column : plan_.steps[dealt].keys) columns += (columns.empty() ? "" : ", ") + column;
    // Equal keys are in one partition.
    each.query += ", approx_count_distinct(millpond_hash(" + columns + ")) AS n FROM {0}";
    each.schema.push_back({"n", "BIGINT"});
    each.from = {dealt};
    each.divisible = {0};
    CutStep together;
    together.kind = CutStep::Kind::kGather;
    together.from = {add(std::move(each))};
    together.reason = "what the keys of a join's side are";
    all.query += ", sum(n)::VARCHAR AS n FROM {0}";
    all.schema.push_back({"n", "VARCHAR"});
    all.from = {add(std::move(together))};
    question.keys = add(std::move(all));
  }
  plan_.questions.push_back(std::move(question));
}

void Cutter::keep_within(Operator& other, const std::vector<JoinKey>& keys, const std::vector<KeyBounds>& bounds) {
  auto filter = duckdb::make_uniq<duckdb::LogicalFilter>();
  const auto compare = [&](const duckdb::Expression& key, ExpressionType how, const std::optional<std::string>& bound) {
    if (!bound || !can_stand_in_sql(*bound, source_prefix_)) return;
    filter->expressions.push_back(duckdb::BoundComparisonExpression::Create(how, key.Copy(), constant_of(*bound, key.GetReturnType())));
  };
  for (std::size_t i = 0; i < std::min(keys.size(), bounds.size()); ++i) {
    if (!has_bounds(keys[i]) || may_meet_nan(keys[i], bounds[i])) continue;
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
