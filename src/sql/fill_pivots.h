#pragma once

#include <string>
#include <vector>

#include "millpond/result.h"

namespace millpond {

/// A query on the way to one whose PIVOTs list their values.
struct PivotQuery {
  std::string query;
  bool asks_values = false;  ///< Its only column's texts, in order and each once, are the values of the next PIVOT.
};

/// The query with `values` in place of those that its PIVOTs don't list, one after the other; where there is a further such
/// PIVOT, the query that gives its values. Any other query comes back as it is. kInvalidArgument with the place when it
/// does not parse. Cost: parsing it, where it says PIVOT.
Result<PivotQuery> fill_pivots(const std::string& query, const std::vector<std::vector<std::string>>& values);

}  // namespace millpond
