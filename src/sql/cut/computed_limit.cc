// LIMIT and OFFSET that a subquery tells. DuckDB joins its row to each row that may be taken, so every row knows how many.

#include <string>
#include <vector>

#include "duckdb/planner/operator/logical_limit.hpp"
#include "sql/cut/cutter.h"

namespace millpond {
namespace {

using duckdb::BoundLimitNode;
using duckdb::LimitNodeType;

/// A LIMIT's or OFFSET's value in a step that holds it as a column, unless it is constant.
class LimitText {
 public:
  LimitText(const BoundLimitNode& node, std::vector<const duckdb::Expression*>& extra) : node_(node) {
    if (!is_computed()) return;
    column_ = numbered('k', extra.size());
    extra.push_back(node.GetExpression().get());
  }

  bool is_computed() const {
    return (node_.Type() == LimitNodeType::EXPRESSION_VALUE || node_.Type() == LimitNodeType::EXPRESSION_PERCENTAGE) &&
           !node_.GetExpression()->IsScalar();
  }
  /// A number of rows, or NULL for none given. The cast refuses what is negative.
  std::string rows() const {
    if (node_.Type() == LimitNodeType::CONSTANT_VALUE) return "CAST(" + std::to_string(node_.GetConstantValue()) + " AS HUGEINT)";
    return is_computed() ? "CAST(CAST(" + column_ + " AS UBIGINT) AS HUGEINT)" : "CAST(NULL AS HUGEINT)";
  }
  /// Behind LIMIT or OFFSET of a query over {0}.
  std::string clause() const {
    if (is_computed()) return "(SELECT " + column_ + " FROM {0} LIMIT 1)";
    if (node_.Type() == LimitNodeType::CONSTANT_PERCENTAGE) {
      return duckdb::Value::DOUBLE(node_.GetConstantPercentage()).ToSQLString();
    }
    return node_.Type() == LimitNodeType::CONSTANT_VALUE ? std::to_string(node_.GetConstantValue()) : "NULL";
  }

 private:
  const BoundLimitNode& node_;
  std::string column_;
};

bool is_percentage(const BoundLimitNode& node) {
  return node.Type() == LimitNodeType::CONSTANT_PERCENTAGE || node.Type() == LimitNodeType::EXPRESSION_PERCENTAGE;
}

std::string list_of(const Schema& columns) {
  std::string list;
  for (const Column& column : columns) list += (list.empty() ? "" : ", ") + column.name;
  return list;
}

}  // namespace

std::optional<Spread> Cutter::limit_by_columns(duckdb::LogicalOperator& op, const Spread& spread) {
  const auto& limit = op.Cast<duckdb::LogicalLimit>();
  std::vector<const duckdb::Expression*> extra;
  const LimitText taken(limit.limit_val, extra);
  const LimitText skipped(limit.offset_val, extra);
  const bool is_part = is_percentage(limit.limit_val);
  // How much a part is, is known where all rows are; read twice, they have to be at rest.
  if (extra.empty() || (is_part && spread.is_single)) return {};
  duckdb::LogicalOperator& rows = *op.children.front();
  const auto add_query = [&](std::size_t from, const std::string& query, Schema schema) {
    CutStep step;
    step.kind = CutStep::Kind::kQuery;
    step.from = {from};
    step.query = query;
    step.schema = std::move(schema);
    return add(std::move(step));
  };
  std::size_t at = emit(rows, extra);
  const Schema all = plan_.steps[at].schema;
  const Schema own(all.begin(), all.end() - static_cast<std::ptrdiff_t>(extra.size()));
  const std::string first_row = "coalesce(" + skipped.rows() + ", 0)";
  const std::string within = "(" + taken.rows() + " IS NULL OR n <= " + taken.rows() + " + " + first_row + ")";
  const std::string counted = " FROM (SELECT *, row_number() OVER () AS n FROM {0}) WHERE " + within;
  if (!spread.is_single) {
    // Of each partition's rows, no more than that can be among those of all.
    if (!is_part && limit.limit_val.Type() != LimitNodeType::UNSET) at = add_query(at, "SELECT " + list_of(all) + counted, all);
    CutStep gathered;
    gathered.kind = CutStep::Kind::kGather;
    gathered.from = {at};
    gathered.reason = "LIMIT: a part of all rows";
    at = add(std::move(gathered));
  }
  const std::string part = "SELECT " + list_of(own) + " FROM {0} LIMIT " + taken.clause() + " % OFFSET " + skipped.clause();
  set_source(op, add_query(at, is_part ? part : "SELECT " + list_of(own) + counted + " AND n > " + first_row, own));
  return Spread{};
}

}  // namespace millpond
