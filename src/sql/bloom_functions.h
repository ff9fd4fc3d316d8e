#pragma once

#include "duckdb/main/extension/extension_loader.hpp"

namespace millpond {

/// Registers Bloom filters (src/sql/bloom_filter.h) as SQL:
///   millpond_bloom(hash UBIGINT, blocks BIGINT) → BLOB        aggregate: a filter of so many blocks with these hashes.
///   millpond_bloom_merge(filter BLOB) → BLOB                  aggregate: what any of the filters, of as many blocks, holds.
///   millpond_bloom_open(filter BLOB) → UBIGINT                the filter's number in this query, to be had once, from a subquery.
///   millpond_bloom_contains(number UBIGINT, hash UBIGINT) → BOOLEAN   false: the hash is not in the filter. NULL holds none.
/// Hashes are what millpond_hash gives. NULL hashes and filters are passed over by aggregates; of nothing they make NULL.
/// A filter has a number since a value goes along with each row that it is compared with, and DuckDB copies those rows where
/// they come in small chunks. A filter is the same bytes in whatever order hashes and filters come.
void register_bloom_functions(duckdb::ExtensionLoader& loader);

}  // namespace millpond
