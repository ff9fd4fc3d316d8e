#include <utility>

#include "base/quote.h"
#include "duckdb/main/client_context.hpp"
#include "duckdb/parser/query_node/select_node.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/parser/tableref/subqueryref.hpp"
#include "sql/bind_input.h"
#include "sql/bound_query.h"
#include "sql/engine_impl.h"
#include "sql/errors.h"
#include "sql/inputs.h"
#include "sql/setup.h"
#include "sql/statements.h"

namespace millpond {
namespace {

// `frame` with the user's query in place of the subquery that it reads. To write and parse both together would take as long as
// binding does.
duckdb::unique_ptr<duckdb::SQLStatement> around(duckdb::unique_ptr<duckdb::SQLStatement> frame,
                                                duckdb::unique_ptr<duckdb::SQLStatement> query) {
  auto& read = *frame->Cast<duckdb::SelectStatement>().node->Cast<duckdb::SelectNode>().from_table;
  frame->named_param_map = query->named_param_map;
  frame->has_anonymous_parameters = query->has_anonymous_parameters;
  read.Cast<duckdb::SubqueryRef>().subquery = duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(std::move(query));
  return frame;
}

}  // namespace

Result<BoundQuery> prepare_bound_query(duckdb::Connection& connection, const std::string& query,
                                       const std::vector<BoundInput>& inputs, const std::vector<std::string>& setup) {
  MILLPOND_ASSIGN_OR_RETURN(ParsedStatement select, parse_select(connection, query));
  return prepare_parsed_query(connection, std::move(select), inputs, setup);
}

Result<BoundQuery> prepare_parsed_query(duckdb::Connection& connection, ParsedStatement select,
                                        const std::vector<BoundInput>& inputs, const std::vector<std::string>& setup) {
  std::vector<std::pair<std::string, std::string>> relations;
  relations.reserve(inputs.size());
  for (const BoundInput& input : inputs) relations.emplace_back(input.name, bind_input_select(input));
  MILLPOND_RETURN_IF_ERROR(run_setup(connection, setup, relations));
  BoundQuery bound;
  bound.text = {std::move(select.text), select.start};
  return without_exceptions([&]() -> Result<BoundQuery> {
    bound.statement = around(parse_own(connection, with_relations("FROM nothing", relations)), std::move(select.statement));
    return std::move(bound);
  });
}

Result<BoundQuery> prepare_planned_query(duckdb::Connection& connection, const std::string& query,
                                         const std::vector<BoundInput>& inputs) {
  for (const BoundInput& input : inputs) {
    const auto made = connection.Query("CREATE OR REPLACE TEMP VIEW " + quote_identifier(input.name) + " AS " + bind_input_select(input));
    if (made->HasError()) return to_status(made->GetErrorObject());
  }
  return prepare_bound_query(connection, query, {}, {});
}

}  // namespace millpond
