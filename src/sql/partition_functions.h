#pragma once

#include "duckdb/main/extension/extension_loader.hpp"

namespace millpond {

/// Registers millpond_hash(k1, k2, …) → UBIGINT and millpond_partition(n, k1, k2, …) → INTEGER: where an exchange with
/// the keys k1, k2, … puts a row (docs/partition-hash.md). n must be 1 or more. NULL keys have a hash too.
/// Also millpond_range(bounds, key, upper) → INTEGER: how many of the sorted bounds are less than the key, or, where `upper`
/// is true, not greater. Keys are what create_sort_key gives (BLOB or BIGINT), bounds a list of such; a NULL list has none.
void register_partition_functions(duckdb::ExtensionLoader& loader);

}  // namespace millpond
