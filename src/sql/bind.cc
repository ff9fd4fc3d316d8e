#include <utility>

#include "duckdb/main/client_context.hpp"
#include "sql/bind_input.h"
#include "sql/bound_query.h"
#include "sql/engine_impl.h"
#include "sql/inputs.h"
#include "sql/setup.h"
#include "sql/statements.h"

namespace millpond {

Result<BoundQuery> prepare_bound_query(duckdb::Connection& connection, const std::string& query,
                                       const std::vector<BoundInput>& inputs, const std::vector<std::string>& setup) {
  std::vector<std::pair<std::string, std::string>> relations;
  relations.reserve(inputs.size());
  for (const BoundInput& input : inputs) relations.emplace_back(input.name, bind_input_select(input.name, input.schema, input.num_rows));
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

Result<Schema> Engine::bind(const std::string& query, const std::vector<BoundInput>& inputs,
                            const std::vector<std::string>& setup) {
  return without_exceptions([&]() -> Result<Schema> {
    duckdb::Connection connection(*impl_->database());
    MILLPOND_ASSIGN_OR_RETURN(BoundQuery bound, prepare_bound_query(connection, query, inputs, setup));
    return without_exceptions(bound.text, [&]() -> Result<Schema> {
      const auto signature = connection.context->BindStatement(std::move(bound.statement));
      if (signature.metadata_deferred) {
        return Status::invalid_argument("PIVOT does not say its values",
                                        "Write them: PIVOT … ON column IN (value, value, …) USING …");
      }
      if (!signature.parameters.empty()) {
        return Status::invalid_argument("the query holds a parameter (? or $1), which nothing fills");
      }
      return schema_of(signature.names, signature.types);
    });
  });
}

}  // namespace millpond
