#include <utility>

#include "base/quote.h"
#include "duckdb/main/client_context.hpp"
#include "sql/bind_input.h"
#include "sql/bound_query.h"
#include "sql/engine_impl.h"
#include "sql/errors.h"
#include "sql/inputs.h"
#include "sql/setup.h"
#include "sql/statements.h"

namespace millpond {

Result<BoundQuery> prepare_bound_query(duckdb::Connection& connection, const std::string& query,
                                       const std::vector<BoundInput>& inputs, const std::vector<std::string>& setup) {
  std::vector<std::pair<std::string, std::string>> relations;
  relations.reserve(inputs.size());
  for (const BoundInput& input : inputs) relations.emplace_back(input.name, bind_input_select(input));
  MILLPOND_RETURN_IF_ERROR(run_setup(connection, setup, relations));
  MILLPOND_ASSIGN_OR_RETURN(const ParsedStatement select, parse_select(connection, query));
  BoundQuery bound;
  bound.text.query = select.text;
  const std::string statement = with_relations(select.text, relations, &bound.text.prefix);
  return without_exceptions(bound.text, [&]() -> Result<BoundQuery> {
    bound.statement = parse_own(connection, statement);
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
