#pragma once

#include <map>
#include <optional>
#include <string>

#include "duckdb/planner/logical_operator.hpp"

namespace millpond {

/// A column of a millpond_input.
struct InputColumn {
  std::string input;
  std::string column;

  bool operator==(const InputColumn&) const = default;
};

/// Tells which columns of a bound, unoptimized plan are columns of an input, unchanged in each row. Follows projections,
/// filters, groups, joins and CTEs; on the side of a join where rows may be filled with NULL, and through set operations,
/// nothing is known. Keeps references into the plan.
class PlanLineage {
 public:
  explicit PlanLineage(duckdb::LogicalOperator& root);

  std::optional<InputColumn> find(const duckdb::ColumnBinding& binding) const;
  /// The input column that an expression is, if it is nothing but a reference to one.
  std::optional<InputColumn> find(const duckdb::Expression& expression) const;
  /// An expression of nothing but columns of one input as text; absent for all others. Equal texts are equal values.
  std::optional<std::string> text_of(const duckdb::Expression& expression, const std::string& input) const;

 private:
  using Key = std::pair<duckdb::idx_t, duckdb::idx_t>;
  void visit(duckdb::LogicalOperator& op, bool is_filled);
  void learn(const duckdb::ColumnBinding& binding, const std::optional<InputColumn>& source, bool is_filled);
  void visit_join(duckdb::LogicalOperator& op, bool is_filled);

  std::map<Key, InputColumn> known_;
  std::map<duckdb::idx_t, std::vector<std::optional<InputColumn>>> ctes_;
};

}  // namespace millpond
