#pragma once

#include "duckdb/main/extension/extension_loader.hpp"

namespace millpond {

/// Registers millpond_hash(k1, k2, …) → UBIGINT and millpond_partition(n, k1, k2, …) → INTEGER: where an exchange with
/// the keys k1, k2, … puts a row (docs/partition-hash.md). n must be 1 or more. NULL keys have a hash too.
void register_partition_functions(duckdb::ExtensionLoader& loader);

}  // namespace millpond
