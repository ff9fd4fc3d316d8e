#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millpond/schema.h"

namespace millpond {

/// What is known of a query from its bound plan. Everything unknown is the careful answer.
struct QueryTraits {
  bool has_aggregate = false;
  bool has_distinct = false;
  bool has_window = false;
  bool has_order = false;
  bool has_limit = false;
  /// random(), nextval, samples without a seed and their like; a table function that reads something other than the
  /// inputs counts too.
  bool is_volatile = false;
  /// The query is one SELECT over its only input that groups rows: `group_columns` are the grouped columns of the input,
  /// by the input's own names. Keys that are expressions are left out of `group_columns`.
  bool is_grouping = false;
  std::vector<std::string> group_columns;
  /// The grouped columns and expressions of the input's columns, each as one text: equal texts are equal values.
  std::vector<std::string> group_keys;
  /// Each row of the result comes from one row of the only input, whatever the others are: projections and filters.
  bool is_row_wise = false;
  /// Columns of the first input that stand unchanged in the result: (input column, result column).
  std::vector<std::pair<std::string, std::string>> passed_columns;
  /// Columns of each input that the query reads; absent when not known.
  std::vector<std::optional<std::vector<std::string>>> used_columns;

  bool operator==(const QueryTraits&) const = default;
};

/// A query that binds.
struct InspectedQuery {
  std::string query;  ///< The one statement, without its semicolon.
  Schema schema;
  QueryTraits traits;
};

}  // namespace millpond
