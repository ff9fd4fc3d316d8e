#include <utility>

#include "duckdb/main/client_context.hpp"
#include "sql/arrow_export.h"
#include "sql/bind_input.h"
#include "sql/engine.h"
#include "sql/engine_impl.h"
#include "sql/errors.h"
#include "sql/inputs.h"
#include "sql/setup.h"
#include "sql/statements.h"

namespace millpond {
namespace {

std::vector<std::pair<std::string, std::string>> bound_relations(const std::vector<BoundInput>& inputs) {
  std::vector<std::pair<std::string, std::string>> relations;
  relations.reserve(inputs.size());
  for (const BoundInput& input : inputs) relations.emplace_back(input.name, bind_input_select(input.name, input.schema));
  return relations;
}

Schema signature_schema(const duckdb::StatementSignature& signature) { return schema_of(signature.names, signature.types); }

}  // namespace

Result<Schema> Engine::bind(const std::string& query, const std::vector<BoundInput>& inputs,
                            const std::vector<std::string>& setup) {
  return without_exceptions([&]() -> Result<Schema> {
    duckdb::Connection connection(*impl_->database);
    const auto relations = bound_relations(inputs);
    MILLPOND_RETURN_IF_ERROR(run_setup(connection, setup, relations));
    MILLPOND_ASSIGN_OR_RETURN(const ParsedStatement select, parse_select(connection, query));
    QueryText text{select.text, 0};
    const std::string statement = with_relations(select.text, relations, &text.prefix);
    return without_exceptions(text, [&]() -> Result<Schema> {
      auto parsed = connection.ExtractStatements(statement);
      const duckdb::StatementSignature signature = connection.context->BindStatement(std::move(parsed[0]));
      if (signature.metadata_deferred) {
        return Status::invalid_argument("PIVOT does not say its values",
                                        "Write them: PIVOT … ON column IN (value, value, …) USING …");
      }
      if (!signature.parameters.empty()) {
        return Status::invalid_argument("the query holds a parameter (? or $1), which nothing fills");
      }
      return signature_schema(signature);
    });
  });
}

}  // namespace millpond
