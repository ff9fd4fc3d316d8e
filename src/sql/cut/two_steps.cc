#include "sql/cut/two_steps.h"

#include <algorithm>
#include <set>

#include "base/quote.h"

namespace millpond {
namespace {

using duckdb::BoundAggregateExpression;
using duckdb::LogicalType;

// Their states are a few numbers, or one row's values, whatever the number of rows.
const std::set<std::string>& small_states() {
  static const std::set<std::string> kNames = {
      "stddev",     "stddev_samp",    "stddev_pop", "variance",   "var_samp",   "var_pop",     "sem",          "corr",
      "covar_samp", "covar_pop",      "regr_slope", "regr_r2",    "regr_count", "regr_avgx",   "regr_avgy",    "regr_sxx",
      "regr_syy",   "regr_intercept", "regr_sxy",   "skewness",   "kurtosis",   "kurtosis_pop", "product",     "favg",
      "fsum",       "arg_min",        "arg_max",    "arg_min_null", "arg_max_null", "any_value", "min_by",     "max_by",
      "argmin",     "argmax",         "kahan_sum",  "sumkahan",   "count_if",   "countif"};
  return kNames;
}

// A thousand counters: less than the rows of all, more than those of a group.
constexpr const char* kLargeState = "approx_count_distinct";

// Whether the type's name says all there is to it.
bool is_plain(const LogicalType& type) {
  if (type.HasAlias() || type.IsNested() || type.id() == duckdb::LogicalTypeId::ENUM) return false;
  return type.id() != duckdb::LogicalTypeId::VARCHAR || duckdb::StringType::GetCollation(type).empty();
}

std::optional<TwoSteps> by_state(const BoundAggregateExpression& aggregate, const std::string& name) {
  const auto& children = aggregate.GetChildren();
  std::vector<std::string> types;
  for (const auto& child : children) {
    if (!is_plain(child->GetReturnType())) return {};
    types.push_back(child->GetReturnType().ToString());
  }
  if (types.empty() || !aggregate.Function().HasGetStateTypeCallback()) return {};
  const std::string state = aggregate.Function().GetStateType(aggregate.BindInfo().get()).type.ToString();
  if (state.find_first_of("{}%") != std::string::npos) return {};
  const std::string function = quote_identifier(name);
  return TwoSteps{{"CAST(" + function + "({}){filter} EXPORT_STATE AS " + state + ")"},
                  "finalize(combine_aggr(to_aggregate_state(%0, " + quote_literal(name) + ", " + quote_list(types) + ")))"};
}

std::string with(std::string text, const std::string& mark, const std::string& filling) {
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + filling.size())) {
    text.replace(at, mark.size(), filling);
  }
  return text;
}

}  // namespace

TwoSteps filled(TwoSteps steps, const std::string& arguments, const std::string& filter, const std::vector<std::string>& names) {
  for (std::size_t p = 0; p < steps.partial.size(); ++p) {
    steps.partial[p] = with(with(steps.partial[p], "{filter}", filter), "{}", arguments) + " AS " + names[p];
    steps.final_sql = with(steps.final_sql, std::string("%").append(std::to_string(p)), names[p]);
  }
  return steps;
}

std::optional<TwoSteps> in_two_steps(const BoundAggregateExpression& aggregate, bool is_grouped) {
  static const std::set<std::string> kAgain = {"min", "max", "bool_and", "bool_or", "bit_and", "bit_or", "bit_xor"};
  const std::string name = aggregate.Function().GetName().GetIdentifierName();
  const std::size_t arguments = aggregate.GetChildren().size();
  if (aggregate.GetOrderBys()) return {};
  if (name == "count_star" || (name == "count" && arguments <= 1)) {
    return TwoSteps{{arguments == 0 ? "count(*){filter}" : "count({}){filter}"}, "sum(%0)"};
  }
  if (small_states().contains(name) || (name == kLargeState && !is_grouped)) return by_state(aggregate, name);
  if (arguments != 1) return {};
  if (kAgain.contains(name)) return TwoSteps{{name + "({}){filter}"}, name + "(%0)"};
  if (!aggregate.GetChildren().front()->GetReturnType().IsNumeric()) return {};
  if (name == "sum" || name == "sum_no_overflow") return TwoSteps{{"sum({}){filter}"}, "sum(%0)"};
  if (name == "avg") return TwoSteps{{"sum({}){filter}", "count({}){filter}"}, "CAST(sum(%0) AS DOUBLE) / sum(%1)"};
  return {};
}

}  // namespace millpond
