#include "sql/partition_functions.h"

#include <functional>
#include <vector>

#include "duckdb/common/exception.hpp"
#include "duckdb/common/vector/flat_vector.hpp"
#include "duckdb/common/vector/list_vector.hpp"
#include "duckdb/function/scalar_function.hpp"
#include "exchange/layout.h"
#include "sql/partition_hash.h"

namespace millpond {
namespace {

using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::LogicalType;
using duckdb::Vector;

std::vector<std::reference_wrapper<const Vector>> keys_from(const DataChunk& arguments, std::size_t first) {
  return {arguments.data.begin() + static_cast<std::ptrdiff_t>(first), arguments.data.end()};
}

void hash_rows(DataChunk& arguments, ExpressionState&, Vector& result) {
  const std::size_t count = arguments.size();
  duckdb::FlatVector::SetSize(result, count);
  partition_hash(keys_from(arguments, 0), count, duckdb::FlatVector::GetDataMutable<std::uint64_t>(result));
}

void place_rows(DataChunk& arguments, ExpressionState&, Vector& result) {
  const std::size_t count = arguments.size();
  std::uint64_t hashes[STANDARD_VECTOR_SIZE];
  partition_hash(keys_from(arguments, 1), count, hashes);
  duckdb::UnifiedVectorFormat counts;
  arguments.data[0].ToUnifiedFormat(counts);
  const auto* numbers = duckdb::UnifiedVectorFormat::GetData<std::int64_t>(counts);
  duckdb::FlatVector::SetSize(result, count);
  auto* partitions = duckdb::FlatVector::GetDataMutable<std::int32_t>(result);
  for (std::size_t row = 0; row < count; ++row) {
    const std::size_t position = counts.sel->get_index(row);
    const std::int64_t n = counts.validity.RowIsValid(position) ? numbers[position] : 0;
    if (n < 1 || n > kMaxExchangePartitions) {
      throw duckdb::InvalidInputException("millpond_partition needs a number of partitions from 1 to %d, got %s",
                                          kMaxExchangePartitions, arguments.data[0].GetValue(row).ToString());
    }
    partitions[row] = static_cast<std::int32_t>(partition_of_hash(hashes[row], static_cast<std::uint64_t>(n)));
  }
}

// The list that all rows share, or each row's own.
template <typename Key>
void rank_rows(DataChunk& arguments, ExpressionState&, Vector& result) {
  const std::size_t count = arguments.size();
  duckdb::UnifiedVectorFormat lists;
  duckdb::UnifiedVectorFormat bounds;
  duckdb::UnifiedVectorFormat keys;
  duckdb::UnifiedVectorFormat uppers;
  arguments.data[0].ToUnifiedFormat(lists);
  duckdb::ListVector::GetChild(arguments.data[0]).ToUnifiedFormat(bounds);
  arguments.data[1].ToUnifiedFormat(keys);
  arguments.data[2].ToUnifiedFormat(uppers);
  const auto* entries = duckdb::UnifiedVectorFormat::GetData<duckdb::list_entry_t>(lists);
  const Key* bound_values = duckdb::UnifiedVectorFormat::GetData<Key>(bounds);
  const Key* key_values = duckdb::UnifiedVectorFormat::GetData<Key>(keys);
  const bool* upper_values = duckdb::UnifiedVectorFormat::GetData<bool>(uppers);
  duckdb::FlatVector::SetSize(result, count);
  auto* ranks = duckdb::FlatVector::GetDataMutable<std::int32_t>(result);
  for (std::size_t row = 0; row < count; ++row) {
    const std::size_t list = lists.sel->get_index(row);
    const std::size_t position = keys.sel->get_index(row);
    const std::size_t upper = uppers.sel->get_index(row);
    if (!keys.validity.RowIsValid(position) || !uppers.validity.RowIsValid(upper)) {
      throw duckdb::InvalidInputException("millpond_range takes no NULL as key or upper");
    }
    const duckdb::list_entry_t entry = lists.validity.RowIsValid(list) ? entries[list] : duckdb::list_entry_t(0, 0);
    const Key& key = key_values[position];
    std::size_t low = 0;
    std::size_t high = entry.length;
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      const Key& bound = bound_values[bounds.sel->get_index(entry.offset + middle)];
      const bool is_below = upper_values[upper] ? !(bound > key) : key > bound;
      if (is_below) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    ranks[row] = static_cast<std::int32_t>(low);
  }
}

void register_function(duckdb::ExtensionLoader& loader, duckdb::ScalarFunction function) {
  function.GetSignature().AddParameter("key", LogicalType::ANY);
  function.GetSignature().AddArgs("keys", LogicalType::ANY);
  function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  function.SetFallible();
  loader.RegisterFunction(function);
}

}  // namespace

void register_partition_functions(duckdb::ExtensionLoader& loader) {
  register_function(loader, {"millpond_hash", {}, LogicalType::UBIGINT, hash_rows});
  register_function(loader, {"millpond_partition", {LogicalType::BIGINT}, LogicalType::INTEGER, place_rows});
  duckdb::ScalarFunctionSet range("millpond_range");
  const auto add_range = [&](const LogicalType& key, duckdb::scalar_function_t rank) {
    duckdb::ScalarFunction function({LogicalType::LIST(key), key, LogicalType::BOOLEAN}, LogicalType::INTEGER, std::move(rank));
    function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
    function.SetFallible();
    range.AddFunction(std::move(function));
  };
  add_range(LogicalType::BLOB, rank_rows<duckdb::string_t>);
  add_range(LogicalType::BIGINT, rank_rows<std::int64_t>);
  loader.RegisterFunction(range);
}

}  // namespace millpond
