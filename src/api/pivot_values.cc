// The columns of a PIVOT that doesn't list them are values of the data: they are found before the query is bound.

#include "api/pivot_values.h"

#include <utility>

#include "base/json.h"
#include "sql/fill_pivots.h"

namespace millpond {
namespace {

/// The texts in the only column of the rows, each once, in order; no NULL.
Result<std::vector<std::string>> distinct_texts(Session::Impl& session, const DataFrame& frame) {
  HeldResults held;
  MILLPOND_RETURN_IF_ERROR(session.run({frame.node()}, &held));
  MILLPOND_ASSIGN_OR_RETURN(const NodePtr node, session.resolve(frame.node()));
  if (node->schema->size() != 1) {
    return Status::invalid_argument("the values of a PIVOT have " + std::to_string(node->schema->size()) + " columns",
                                    "Give a subquery of one column: PIVOT … ON column IN (SELECT …) USING …");
  }
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<TaskInput> inputs, session.inputs_of(node, {}, held));
  std::string rows;
  for (const TaskInput& input : inputs) rows += (rows.empty() ? "FROM " : " UNION ALL FROM ") + input.name;
  const std::string query = "SELECT to_json(list(v ORDER BY n)) FROM (SELECT CAST(v AS VARCHAR) AS v, min(n) AS n FROM "
                            "(SELECT v, row_number() OVER () AS n FROM (" + rows + ") r(v)) WHERE v IS NOT NULL GROUP BY ALL)";
  MILLPOND_ASSIGN_OR_RETURN(const auto row, session.engine().first_row(query, inputs));
  std::vector<std::string> texts;
  if (row.empty() || !row.front()) return texts;
  MILLPOND_ASSIGN_OR_RETURN(const Json list, Json::parse(*row.front()));
  for (const Json& text : list.as_array()) texts.push_back(text.as_string());
  return texts;
}

}  // namespace

Result<std::string> with_pivot_values(const FrameContext& context, const std::string& query, const std::vector<SqlTable>& tables,
                                      const SqlOptions& options) {
  std::vector<std::vector<std::string>> values;
  while (true) {
    MILLPOND_ASSIGN_OR_RETURN(const PivotQuery next, fill_pivots(query, values));
    if (!next.asks_values) return next.query;
    MILLPOND_ASSIGN_OR_RETURN(const DataFrame frame, context.session->sql(next.query, tables, options, context.location));
    MILLPOND_ASSIGN_OR_RETURN(std::vector<std::string> found, distinct_texts(context.impl(), frame));
    if (found.empty()) {
      return Status::invalid_argument("PIVOT finds no values to make columns of",
                                      "Write them: PIVOT … ON column IN (value, …) USING …");
    }
    values.push_back(std::move(found));
  }
}

}  // namespace millpond
