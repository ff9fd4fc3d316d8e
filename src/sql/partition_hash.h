#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "duckdb/common/types/vector.hpp"

namespace millpond {

/// The version of the rules in docs/partition-hash.md. Part of every journal: rows placed by another version are not
/// mixed with rows placed by this one.
inline constexpr std::int64_t kPartitionHashVersion = 1;

/// Whether values of this type have a defined hash. False for VARIANT and for aggregate states without a structure.
bool can_partition_by(const duckdb::LogicalType& type);

/// Hashes rows [0, count) of the key columns, by value and independent of the column's width, the host, the locale and
/// the time zone. `keys` holds at least one. 2 to 5 ns a row for one flat key.
/// Throws duckdb::InvalidInputException for a type that can't be hashed.
void partition_hash(const std::vector<std::reference_wrapper<const duckdb::Vector>>& keys, std::size_t count,
                    std::uint64_t* hashes);

/// The partition among `n` that a hash belongs to: its high bits, scaled. Partition p of n splits into 2p and 2p + 1 of
/// 2n.
inline std::uint32_t partition_of_hash(std::uint64_t hash, std::uint64_t n) {
  return static_cast<std::uint32_t>((static_cast<unsigned __int128>(hash) * n) >> 64);
}

/// Mixes two numbers into a hash; used for combining keys and for random placement.
std::uint64_t partition_hash_combine(std::uint64_t left, std::uint64_t right);

}  // namespace millpond
