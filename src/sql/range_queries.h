#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/schema.h"

namespace millpond {

/// The queries by which rows are dealt to partitions that follow each other in an order: a sample of the keys in each
/// partition, bounds from all samples, and each row's number by the bounds. Keys are compared as DuckDB sorts them
/// (create_sort_key). Columns are given by their names, other keys as SQL.
struct RangeKeys {
  std::vector<std::string> keys;
  std::vector<std::string> orders;  ///< "ASC NULLS LAST", one for each key.
};

/// Over {0}: a sample of `rows` keys, each with a weight: how many rows it stands for. By chance, but the same for the same rows in the same
/// order. Reads the key columns once and keeps `rows` rows.
std::string range_sample_query(const RangeKeys& by, const Schema& schema, std::int64_t rows);

/// Over {0}, all samples: one row with the sorted list of up to `count` - 1 bounds. A key of very many rows stands in it
/// more than once.
std::string range_bounds_query(std::int64_t count);

/// Over {0}, the rows, and {1}, the bounds: the rows and, as a last column `number`, the partition that each goes to: how
/// many bounds are below its key. With `splits_ties` rows whose key is a bound go, by a hash of their other columns, to any of the
/// partitions that this bound ends or begins.
std::string range_number_query(const RangeKeys& by, const Schema& schema, bool splits_ties, const std::string& number);

/// Whether values of a type that are equal are the same, so that whatever is computed of them is equal. An interval of a
/// month equals one of 30 days but is sorted beside it, and −0.0 equals 0.0 but is another text.
bool equals_only_itself(const std::string& type);

}  // namespace millpond
