#pragma once

#include <string>
#include <vector>

namespace millpond {

/// One column of a frame.
struct Column {
  std::string name;  ///< As written, any UTF-8; compared without case, as DuckDB does.
  std::string type;  ///< A type in DuckDB's SQL, such as "BIGINT" or "STRUCT(a INTEGER, b VARCHAR[])".

  bool operator==(const Column&) const = default;
};

/// The columns of a frame, in order.
using Schema = std::vector<Column>;

}  // namespace millpond
