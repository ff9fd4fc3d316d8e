// Which key=value folders of its inputs a query reads rows of, and what their values are.

#include <utility>

#include "data/schema.h"
#include "duckdb/common/hive_partitioning.hpp"
#include "duckdb/execution/expression_executor.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/expression/bound_constant_expression.hpp"
#include "duckdb/planner/expression_iterator.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/planner.hpp"
#include "sql/bind_input.h"
#include "sql/bound_query.h"
#include "sql/cut/scan_filters.h"
#include "sql/engine_impl.h"
#include "storage/hive_path.h"

namespace millpond {
namespace {

using duckdb::Expression;
using duckdb::LogicalOperator;
using Values = std::vector<duckdb::Value>;

// The values of the folders in a path, as DuckDB reads them.
Values values_of(duckdb::ClientContext& context, const std::string& path, const Schema& columns,
                 const std::vector<duckdb::LogicalType>& types) {
  Values values(columns.size());
  for (const auto& [key, text] : duckdb::HivePartitioning::Parse(path)) {
    const Result<std::string> name = decode_hive_value(key);
    const int at = name.is_ok() ? find_column(columns, *name) : -1;
    if (at < 0) continue;
    const auto number = static_cast<std::size_t>(at);
    values[number] = duckdb::HivePartitioning::GetValue(context, key, text, types[number]);
  }
  return values;
}

// One input's folders, while the plan's scans of it are looked at.
class Folders {
 public:
  Folders(duckdb::ClientContext& context, const Engine::FolderQuestion& question) : context_(context), question_(question) {
    std::vector<duckdb::LogicalType> types;
    for (const Column& column : question.columns) types.push_back(duckdb::TransformStringToLogicalType(column.type, context));
    for (const std::string& path : question.paths) values_.push_back(values_of(context, path, question.columns, types));
    is_read_.resize(question.paths.size(), false);
  }

  const std::string& input() const { return question_.input; }

  // A scan reads all folders for whose values no filter above it fails.
  void look_at(const duckdb::LogicalGet& get, const std::vector<const Expression*>& filters) {
    for (std::size_t i = 0; i < values_.size(); ++i) is_read_[i] = is_read_[i] || passes(get, filters, values_[i]);
  }

  Engine::FolderAnswer answer() const {
    Engine::FolderAnswer answer{is_read_, {}};
    for (const Values& values : values_) {
      auto& texts = answer.values.emplace_back();
      for (const duckdb::Value& value : values) texts.push_back(value.ToSQLString());
    }
    return answer;
  }

 private:
  bool passes(const duckdb::LogicalGet& get, const std::vector<const Expression*>& filters, const Values& values) const {
    for (const Expression* filter : filters) {
      if (filter->IsVolatile() || !filter->IsConsistent()) continue;
      auto test = filter->Copy();
      duckdb::Value result;
      if (!fill(test, get, values) || !test->IsFoldable()) continue;
      if (!duckdb::ExpressionExecutor::TryEvaluateScalar(context_, *test, result)) continue;
      if (result.IsNull() || !result.GetValue<bool>()) return false;
    }
    return true;
  }

  // Puts the folder's values in place of columns; whether nothing else is left.
  bool fill(duckdb::unique_ptr<Expression>& expression, const duckdb::LogicalGet& get, const Values& values) const {
    if (expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF) {
      const auto& binding = expression->Cast<duckdb::BoundColumnRefExpression>().Binding();
      if (binding.table_index != get.table_index) return false;
      const auto& index = get.GetColumnIndex(binding);
      if (index.IsVirtualColumn() || index.IsPushdownExtract()) return false;
      const int column = find_column(question_.columns, get.names[index.GetPrimaryIndex()].GetIdentifierName());
      if (column < 0 || values[static_cast<std::size_t>(column)].type() != expression->GetReturnType()) return false;
      expression = duckdb::make_uniq<duckdb::BoundConstantExpression>(values[static_cast<std::size_t>(column)]);
      return true;
    }
    bool is_filled = true;
    duckdb::ExpressionIterator::EnumerateChildren(
        *expression, [&](duckdb::unique_ptr<Expression>& child) { is_filled = fill(child, get, values) && is_filled; });
    return is_filled;
  }

  duckdb::ClientContext& context_;
  const Engine::FolderQuestion& question_;
  std::vector<Values> values_;
  std::vector<bool> is_read_;
};

void look_at_scans(const LogicalOperator& op, std::vector<const Expression*> filters, std::vector<Folders>& all) {
  if (op.type == duckdb::LogicalOperatorType::LOGICAL_GET) {
    const auto& get = op.Cast<duckdb::LogicalGet>();
    const std::string name = bind_input_name(get.function.GetName().GetIdentifierName(), get.bind_data.get());
    for (Folders& folders : all) {
      if (folders.input() == name) folders.look_at(get, filters);
    }
  }
  if (op.type != duckdb::LogicalOperatorType::LOGICAL_FILTER) filters.clear();
  if (op.type == duckdb::LogicalOperatorType::LOGICAL_FILTER) {
    for (const auto& expression : op.expressions) filters.push_back(expression.get());
  }
  for (const auto& child : op.children) look_at_scans(*child, filters, all);
}

}  // namespace

Result<std::vector<Engine::FolderAnswer>> Engine::read_folders(const std::string& query, const std::vector<BoundInput>& inputs,
                                                               const std::vector<FolderQuestion>& questions) {
  return without_exceptions([&]() -> Result<std::vector<FolderAnswer>> {
    duckdb::Connection connection(*impl_->database());
    MILLPOND_ASSIGN_OR_RETURN(BoundQuery bound, prepare_planned_query(connection, query, inputs));
    return without_exceptions(bound.text, [&]() -> Result<std::vector<FolderAnswer>> {
      std::vector<FolderAnswer> answers;
      connection.context->RunFunctionInTransaction([&] {
        duckdb::Planner planner(*connection.context);
        planner.CreatePlan(std::move(bound.statement));
        planner.Optimize();
        lift_scan_filters(planner.plan);
        std::vector<Folders> all;
        for (const FolderQuestion& question : questions) all.emplace_back(*connection.context, question);
        look_at_scans(*planner.plan, {}, all);
        for (const Folders& folders : all) answers.push_back(folders.answer());
      });
      return answers;
    });
  });
}

}  // namespace millpond
