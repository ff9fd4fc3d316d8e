#pragma once

#include <optional>
#include <string>
#include <vector>

#include "duckdb/planner/expression/bound_aggregate_expression.hpp"

namespace millpond {

/// An aggregate as two: what each partition computes, and what is made of that. Of DISTINCT values, equal ones must lie in
/// one partition.
struct TwoSteps {
  std::vector<std::string> partial;  ///< Of {}, the arguments, with {filter} where a FILTER stands.
  std::string final_sql;             ///< With %0, %1 … for the partial columns.
};

/// How the aggregate is computed in two steps; nothing where that can't be done, or moves more than its rows. Sums of parts are
/// summed again; others hand on DuckDB's own state of the aggregate, as the STRUCT that it is.
std::optional<TwoSteps> in_two_steps(const duckdb::BoundAggregateExpression& aggregate, bool is_grouped);

/// The texts with what they leave open: the arguments, the filter (" FILTER (WHERE k1)" or nothing), names of the partial columns.
TwoSteps filled(TwoSteps steps, const std::string& arguments, const std::string& filter, const std::vector<std::string>& names);

}  // namespace millpond
