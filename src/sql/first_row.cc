#include "sql/describe.h"
#include "sql/engine_impl.h"
#include "sql/errors.h"
#include "sql/inputs.h"

namespace millpond {

Result<std::vector<std::optional<std::string>>> Engine::first_row(const std::string& query, const std::vector<TaskInput>& inputs) {
  return without_exceptions([&]() -> Result<std::vector<std::optional<std::string>>> {
    duckdb::Connection connection(*impl_->database());
    MILLPOND_ASSIGN_OR_RETURN(const std::string text, with_inputs(query, inputs));
    MILLPOND_ASSIGN_OR_RETURN(const ValueRows rows, query_values(connection, text));
    std::vector<std::optional<std::string>> values;
    if (rows.empty()) return values;
    for (const duckdb::Value& value : rows.front()) {
      values.push_back(value.IsNull() ? std::nullopt : std::optional<std::string>(value.ToString()));
    }
    return values;
  });
}

}  // namespace millpond
