// Aggregates of DISTINCT values without groups: the values of each are dealt by themselves, each once, and the results stand
// side by side.

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "duckdb/planner/expression/bound_aggregate_expression.hpp"
#include "sql/arrow_export.h"
#include "sql/cut/cutter.h"
#include "sql/cut/two_steps.h"
#include "sql/partition_hash.h"

namespace millpond {
namespace {

using duckdb::BoundAggregateExpression;
using duckdb::Expression;
using duckdb::LogicalOperator;

/// Expressions over an operator's rows, each once: k0, k1 ….
class Columns {
 public:
  std::string name_of(const Expression& expression) {
    refuse_collation(expression.GetReturnType());
    const auto same = std::find_if(all_.begin(), all_.end(), [&](const Expression* one) { return one->Equals(expression); });
    const auto number = static_cast<std::size_t>(same - all_.begin());
    if (same == all_.end()) all_.push_back(&expression);
    return numbered('k', number);
  }
  const std::vector<const Expression*>& all() const { return all_; }
  std::string names() const {
    std::string text;
    for (std::size_t i = 0; i < all_.size(); ++i) text += (i == 0 ? "" : ", ") + numbered('k', i);
    return text.empty() ? "1" : text;
  }

 private:
  std::vector<const Expression*> all_;
};

/// The aggregates of one DISTINCT value, or all that are of rows.
struct Branch {
  const Expression* value = nullptr;  ///< None: of rows.
  std::vector<std::size_t> numbers;   ///< Of the aggregates.
  std::vector<std::string> columns;   ///< What is DISTINCT: the value and the filters.
  std::string partial;
  std::string final_sql;
};

std::vector<Branch> branches_of(const LogicalOperator& op) {
  std::vector<Branch> branches;
  for (std::size_t i = 0; i < op.expressions.size(); ++i) {
    const auto& aggregate = op.expressions[i]->Cast<BoundAggregateExpression>();
    const Expression* value = aggregate.IsDistinct() ? aggregate.GetChildren().front().get() : nullptr;
    const auto same = std::find_if(branches.begin(), branches.end(), [&](const Branch& branch) {
      return branch.value == nullptr || value == nullptr ? branch.value == value : branch.value->Equals(*value);
    });
    if (same == branches.end()) {
      branches.push_back({value, {i}, {}, {}, {}});
    } else {
      same->numbers.push_back(i);
    }
  }
  return branches;
}

void add_to(std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; }

// What the partitions compute of the branch's columns, and what is made of that.
void write_steps(const LogicalOperator& op, Branch& branch, Columns& columns) {
  if (branch.value != nullptr) branch.columns.push_back(columns.name_of(*branch.value));
  std::size_t parts = 0;
  for (const std::size_t number : branch.numbers) {
    const auto& aggregate = op.expressions[number]->Cast<BoundAggregateExpression>();
    std::string arguments;
    for (const auto& child : aggregate.GetChildren()) add_to(arguments, columns.name_of(*child));
    std::string filter;
    if (aggregate.GetFilter()) {
      const std::string name = columns.name_of(*aggregate.GetFilter());
      filter = " FILTER (WHERE " + name + ")";
      auto& all = branch.columns;
      if (branch.value != nullptr && std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
    }
    TwoSteps steps = *in_two_steps(aggregate, false);
    std::vector<std::string> names;
    for (std::size_t p = 0; p < steps.partial.size(); ++p) names.push_back(numbered('p', parts++));
    steps = filled(std::move(steps), (branch.value != nullptr ? "DISTINCT " : "") + arguments, filter, names);
    for (const std::string& part : steps.partial) add_to(branch.partial, part);
    const std::string type = aggregate.GetReturnType().ToString();
    add_to(branch.final_sql, "CAST(" + steps.final_sql + " AS " + type + ") AS " + numbered('c', number));
  }
}

CutStep query_step(std::string query, std::vector<std::size_t> from) {
  CutStep step;
  step.kind = CutStep::Kind::kQuery;
  step.query = std::move(query);
  step.from = std::move(from);
  return step;
}

// The step that gives the branch's only row. `is_dealt`: equal values are in one partition.
std::size_t add_branch(const Branch& branch, std::size_t rows, bool is_dealt, const std::function<std::size_t(CutStep)>& add) {
  if (!is_dealt) {
    // Most doubles go where they are.
    std::string columns;
    for (const std::string& column : branch.columns) add_to(columns, column);
    CutStep values = query_step("SELECT DISTINCT " + columns + " FROM {0}", {rows});
    values.schema.push_back({branch.columns.front(), type_to_sql(branch.value->GetReturnType())});
    for (std::size_t i = 1; i < branch.columns.size(); ++i) values.schema.push_back({branch.columns[i], "BOOLEAN"});
    CutStep move;
    move.from = {add(std::move(values))};
    move.kind = CutStep::Kind::kHash;
    move.keys = {branch.columns.front()};
    if (!can_partition_by(branch.value->GetReturnType())) {
      move.kind = CutStep::Kind::kGather;
      move.keys.clear();
      move.reason = "DISTINCT values of a type that has no hash";
    }
    rows = add(std::move(move));
  }
  CutStep parts;
  parts.kind = CutStep::Kind::kGather;
  parts.reason = "the parts of an aggregate without groups";
  parts.from = {add(query_step("SELECT " + branch.partial + " FROM {0}", {rows}))};
  return add(query_step("SELECT " + branch.final_sql + " FROM {0}", {add(std::move(parts))}));
}

}  // namespace

bool can_go_by_values(const LogicalOperator& op) {
  return std::all_of(op.expressions.begin(), op.expressions.end(), [](const auto& expression) {
    const auto& aggregate = expression->template Cast<BoundAggregateExpression>();
    if (aggregate.IsDistinct() && aggregate.GetChildren().size() != 1) return false;
    // A value is read at two places: to find those that are equal, and to be aggregated.
    bool is_same_again = !aggregate.GetFilter() || !is_volatile_key(aggregate.GetFilter().get());
    for (const auto& child : aggregate.GetChildren()) is_same_again = is_same_again && !is_volatile_key(child.get());
    return is_same_again;
  });
}

Spread Cutter::aggregate_by_values(Operator& op, const Spread& spread) {
  LogicalOperator& child = *op->children.front();
  std::vector<Branch> branches = branches_of(*op);
  // Rows that lie ready are read by each branch; others are computed once, and put to rest for all.
  const bool is_read_again = is_light(child) && !is_volatile(child);
  std::vector<Columns> columns(is_read_again ? branches.size() : 1);
  for (std::size_t i = 0; i < branches.size(); ++i) write_steps(*op, branches[i], columns[is_read_again ? i : 0]);
  const auto add_step = [&](CutStep step) { return add(std::move(step)); };
  std::vector<std::size_t> rows;
  for (const Columns& some : columns) {
    CutStep step = query_step("SELECT " + some.names() + " FROM {0}", {emit(child, some.all())});
    for (std::size_t i = 0; i < some.all().size(); ++i) {
      step.schema.push_back({numbered('k', i), type_to_sql(some.all()[i]->GetReturnType())});
    }
    rows.push_back(add(std::move(step)));
  }
  CutStep last = query_step({}, {});
  std::string relations;
  for (std::size_t i = 0; i < branches.size(); ++i) {
    const Expression* value = branches[i].value;
    const bool is_dealt = value == nullptr || is_together(spread, {value});
    last.from.push_back(add_branch(branches[i], rows[is_read_again ? i : 0], is_dealt, add_step));
    add_to(relations, std::string("{").append(std::to_string(i)).append("}"));
  }
  std::string results;
  for (std::size_t i = 0; i < op->types.size(); ++i) {
    add_to(results, numbered('c', i));
    last.schema.push_back({numbered('c', i), type_to_sql(op->types[i])});
  }
  last.query = "SELECT " + results + " FROM " + relations;
  set_source(*op, add(std::move(last)));
  return {};
}

}  // namespace millpond
