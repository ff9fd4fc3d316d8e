#pragma once

#include <string>
#include <vector>

#include "millpond/result.h"
#include "sql/exchange_functions.h"
#include "task/task.h"

namespace millpond {

/// The SELECT that gives the rows of one input: its pinned slices in order, with exactly the columns of its schema, each
/// cast to its pinned type. No slices: zero rows. kInvalidArgument when the slices are of two kinds.
Result<std::string> input_select(const TaskInput& input, ExchangeReading reading = {});

/// One statement in which `query` sees the inputs by their names:
///   WITH "in0" AS NOT MATERIALIZED (…) FROM (query)
/// The query stands in parentheses on lines of its own, so that its own WITH, ORDER BY and comments keep their meaning.
/// Without inputs, the query alone. `prefix` receives how many bytes stand before the query.
Result<std::string> with_inputs(const std::string& query, const std::vector<TaskInput>& inputs, std::size_t* prefix = nullptr);

/// The same around relations that are SQL already: (name, SELECT).
std::string with_relations(const std::string& query, const std::vector<std::pair<std::string, std::string>>& relations,
                           std::size_t* prefix = nullptr);

}  // namespace millpond
