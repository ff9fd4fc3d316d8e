// How the rows of an operator lie, and what follows from that.

#include <algorithm>

#include "sql/cut/cutter.h"

namespace millpond {

using duckdb::ColumnBinding;
using duckdb::Expression;

bool is_together(const Spread& spread, const std::vector<const Expression*>& expressions) {
  return !spread.keys.empty() && std::all_of(spread.keys.begin(), spread.keys.end(), [&](const auto& columns) {
    return std::any_of(expressions.begin(), expressions.end(), [&](const Expression* expression) {
      const auto* column = column_of(*expression);
      return column != nullptr && std::find(columns.begin(), columns.end(), *column) != columns.end();
    });
  });
}

Spread with_names(const Spread& spread, const std::function<std::vector<ColumnBinding>(const ColumnBinding&)>& renamed) {
  const auto names = [&](const std::vector<ColumnBinding>& columns) {
    std::vector<ColumnBinding> all;
    for (const ColumnBinding& column : columns) {
      const std::vector<ColumnBinding> its = renamed(column);
      all.insert(all.end(), its.begin(), its.end());
    }
    return all;
  };
  Spread result = spread;
  for (auto& key : result.keys) key = names(key);
  result.ranges.clear();
  for (const Spread::Range& range : spread.ranges) {
    std::vector<ColumnBinding> columns = names(range.columns);
    if (columns.empty()) break;
    result.ranges.push_back({std::move(columns), range.order});
  }
  return result;
}

bool is_volatile_key(const Expression* key) { return key->IsVolatile() || !key->IsConsistent(); }

}  // namespace millpond
