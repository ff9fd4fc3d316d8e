#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "millpond/schema.h"

namespace millpond {

/// What is known of a column's values in a file without opening it.
struct ColumnBounds {
  std::optional<std::string> least;     ///< No value is less; text that DuckDB casts to the column's type. With `greatest`.
  std::optional<std::string> greatest;  ///< No value is greater.
  bool may_be_null = true;
  bool may_have_value = true;  ///< Whether any row may be other than NULL.

  bool operator==(const ColumnBounds&) const = default;
};

/// The same for columns of many files.
struct FileBounds {
  Schema columns;
  std::map<std::string, std::vector<ColumnBounds>> files;  ///< By path, one for each column.

  bool operator==(const FileBounds&) const = default;
};

}  // namespace millpond
