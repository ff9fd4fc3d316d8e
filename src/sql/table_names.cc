// The tables a query reads, from its text alone.

#include <algorithm>
#include <set>
#include <vector>

#include "duckdb/parser/common_table_expression_info.hpp"
#include "duckdb/parser/expression/subquery_expression.hpp"
#include "duckdb/parser/parsed_expression_iterator.hpp"
#include "duckdb/parser/query_node/recursive_cte_node.hpp"
#include "duckdb/parser/query_node/select_node.hpp"
#include "duckdb/parser/query_node/set_operation_node.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/parser/tableref/basetableref.hpp"
#include "duckdb/parser/tableref/joinref.hpp"
#include "duckdb/parser/tableref/list.hpp"
#include "duckdb/parser/tableref/pivotref.hpp"
#include "duckdb/parser/tableref/showref.hpp"
#include "duckdb/parser/tableref/subqueryref.hpp"
#include "duckdb/parser/tableref/table_function_ref.hpp"
#include "sql/engine_impl.h"
#include "sql/errors.h"
#include "sql/statements.h"

namespace millpond {
namespace {

using Expression = duckdb::ParsedExpression;
using ExpressionPtr = duckdb::unique_ptr<Expression>;

// Walks a query by its scopes: `WITH t AS (FROM t) FROM t` reads a table t, once. DuckDB's own GetTableNames binds, and
// fails where a type matters that it does not know.
class TableNames {
 public:
  void visit(duckdb::QueryNode& node, std::set<std::string> defined) {
    for (auto& entry : node.cte_map.map) {
      duckdb::QueryNode& cte = *entry.second->query_node;
      std::set<std::string> inside = defined;
      if (cte.type == duckdb::QueryNodeType::RECURSIVE_CTE_NODE) inside.insert(lower(entry.first));
      visit(cte, std::move(inside));
      defined.insert(lower(entry.first));
    }
    const auto expression = [&](ExpressionPtr& one) { visit_expression(*one, defined); };
    switch (node.type) {
      case duckdb::QueryNodeType::SELECT_NODE: {
        auto& select = node.Cast<duckdb::SelectNode>();
        if (select.from_table) visit_ref(*select.from_table, defined);
        // With what it reads and its CTEs left out, only expressions of this very node are seen.
        auto from = std::move(select.from_table);
        auto ctes = std::move(node.cte_map.map);
        node.cte_map.map = {};
        duckdb::ParsedExpressionIterator::EnumerateQueryNodeChildren(node, expression);
        select.from_table = std::move(from);
        node.cte_map.map = std::move(ctes);
        break;
      }
      case duckdb::QueryNodeType::SET_OPERATION_NODE:
        for (auto& child : node.Cast<duckdb::SetOperationNode>().children) visit(*child, defined);
        break;
      case duckdb::QueryNodeType::RECURSIVE_CTE_NODE: {
        auto& recursive = node.Cast<duckdb::RecursiveCTENode>();
        visit(*recursive.left, defined);
        visit(*recursive.right, defined);
        break;
      }
      default: break;
    }
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeModifiers(node, expression);
  }

  std::vector<std::string> list() const { return {names_.begin(), names_.end()}; }

 private:
  static std::string lower(const duckdb::Identifier& name) { return duckdb::StringUtil::Lower(name.GetIdentifierName()); }

  void visit_expression(Expression& expression, const std::set<std::string>& defined) {
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::SUBQUERY) {
      visit(*expression.Cast<duckdb::SubqueryExpression>().SubqueryMutable()->node, defined);
    }
    duckdb::ParsedExpressionIterator::EnumerateChildren(expression, [&](Expression& child) { visit_expression(child, defined); });
  }

  void visit_ref(duckdb::TableRef& ref, const std::set<std::string>& defined) {
    switch (ref.type) {
      case duckdb::TableReferenceType::BASE_TABLE: {
        const auto& table = ref.Cast<duckdb::BaseTableRef>();
        const bool is_qualified = !table.GetQualifiedName().Schema().empty() || !table.GetQualifiedName().Catalog().empty();
        if (!is_qualified && !defined.contains(lower(table.Table()))) names_.insert(table.Table().GetIdentifierName());
        break;
      }
      case duckdb::TableReferenceType::JOIN: {
        auto& join = ref.Cast<duckdb::JoinRef>();
        visit_ref(*join.left, defined);
        visit_ref(*join.right, defined);
        if (join.condition) visit_expression(*join.condition, defined);
        break;
      }
      case duckdb::TableReferenceType::SUBQUERY: visit(*ref.Cast<duckdb::SubqueryRef>().subquery->node, defined); break;
      case duckdb::TableReferenceType::PIVOT: {
        auto& pivot = ref.Cast<duckdb::PivotRef>();
        visit_ref(*pivot.source, defined);
        for (auto& aggregate : pivot.aggregates) visit_expression(*aggregate, defined);
        break;
      }
      case duckdb::TableReferenceType::SHOW_REF:
        if (auto& query = ref.Cast<duckdb::ShowRef>().query) visit(*query, defined);
        break;
      default:
        duckdb::ParsedExpressionIterator::EnumerateTableRefChildren(
            ref, [&](ExpressionPtr& one) { visit_expression(*one, defined); });
    }
  }

  std::set<std::string> names_;
};

}  // namespace

Result<std::vector<std::string>> Engine::table_names(const std::string& query) {
  return without_exceptions([&]() -> Result<std::vector<std::string>> {
    duckdb::Connection connection(*impl_->database());
    TableNames names;
    MILLPOND_ASSIGN_OR_RETURN(std::vector<ParsedStatement> statements, parse_statements(connection, query));
    if (statements.size() == 1) {
      const auto selects = select_parts(*statements.front().statement);
      for (duckdb::SQLStatement* select : selects) names.visit(*select->Cast<duckdb::SelectStatement>().node, {});
      if (!selects.empty()) return names.list();
    }
    MILLPOND_ASSIGN_OR_RETURN(ParsedStatement only, only_select(std::move(statements)));
    names.visit(*only.statement->Cast<duckdb::SelectStatement>().node, {});
    impl_->parsed_query.put(query, std::move(only));
    return names.list();
  });
}

}  // namespace millpond
