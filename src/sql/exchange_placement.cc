#include "sql/exchange_placement.h"

#include <algorithm>

#include "data/schema.h"
#include "duckdb/common/exception/binder_exception.hpp"
#include "sql/partition_hash.h"

namespace millpond {
namespace {

using duckdb::LogicalType;
using duckdb::PhysicalType;
using duckdb::UnifiedVectorFormat;

std::size_t find_column(const std::string& key, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (same_column_name(names[i], key)) return i;
  }
  std::string there;
  for (const std::string& name : names) there += (there.empty() ? "\"" : ", \"") + name + "\"";
  throw duckdb::BinderException("the exchange's rows have no column \"%s\"; the columns are %s", key, there);
}

// Calls visit.template operator()<T>() with an integer column's type; false for any other type.
template <typename Visit>
bool with_integer(const LogicalType& type, Visit&& visit) {
  if (!type.IsIntegral()) return false;
  switch (type.InternalType()) {
    case PhysicalType::INT8:
      visit.template operator()<std::int8_t>();
      return true;
    case PhysicalType::INT16:
      visit.template operator()<std::int16_t>();
      return true;
    case PhysicalType::INT32:
      visit.template operator()<std::int32_t>();
      return true;
    case PhysicalType::INT64:
      visit.template operator()<std::int64_t>();
      return true;
    case PhysicalType::INT128:
      visit.template operator()<duckdb::hugeint_t>();
      return true;
    case PhysicalType::UINT8:
      visit.template operator()<std::uint8_t>();
      return true;
    case PhysicalType::UINT16:
      visit.template operator()<std::uint16_t>();
      return true;
    case PhysicalType::UINT32:
      visit.template operator()<std::uint32_t>();
      return true;
    case PhysicalType::UINT64:
      visit.template operator()<std::uint64_t>();
      return true;
    case PhysicalType::UINT128:
      visit.template operator()<duckdb::uhugeint_t>();
      return true;
    default:
      return false;
  }
}

// The number when it is one of 0 … count - 1, else count. Signed numbers wrap to large unsigned ones.
template <typename T>
std::uint64_t checked(const T& number, std::uint64_t count) {
  if constexpr (std::is_integral_v<T>) {
    const auto wide = static_cast<std::uint64_t>(number);
    return wide < count ? wide : count;
  } else {
    return number.upper == 0 && number.lower < count ? number.lower : count;
  }
}

[[noreturn]] void out_of_range(const duckdb::Vector& numbers, std::size_t row, std::int64_t count) {
  throw duckdb::InvalidInputException("partition key %s is out of range 0-%d", numbers.GetValue(row).ToString(),
                                      count - 1);
}

}  // namespace

RowPlacer::RowPlacer(Placement placement, const std::vector<std::string>& names, const std::vector<LogicalType>& types)
    : placement_(std::move(placement)) {
  using Kind = Placement::Kind;
  if (placement_.count < 1 || (placement_.kind == Kind::kSingle && placement_.count != 1)) {
    throw duckdb::BinderException("an exchange can't have %d partitions here", placement_.count);
  }
  for (const std::string& key : placement_.keys) keys_.push_back(find_column(key, names));
  if (placement_.kind == Kind::kHash) {
    if (keys_.empty()) throw duckdb::BinderException("placement 'hash' needs at least one key");
    for (const std::size_t key : keys_) {
      if (!can_partition_by(types[key])) {
        throw duckdb::BinderException("can't partition by column \"%s\" of type %s; cast it to VARCHAR first",
                                      names[key], types[key].ToString());
      }
    }
  } else if (placement_.kind == Kind::kExpression) {
    if (keys_.size() != 1) throw duckdb::BinderException("placement 'expression' needs exactly one key");
    if (!with_integer(types[keys_[0]], []<typename T>() {})) {
      throw duckdb::BinderException("partition key \"%s\" is of type %s, but a partition number is an integer; cast it",
                                    names[keys_[0]], types[keys_[0]].ToString());
    }
  } else if (!keys_.empty()) {
    throw duckdb::BinderException("this placement takes no keys");
  }
  for (std::size_t i = 0; i < names.size(); ++i) written_.push_back(i);
  for (const std::string& dropped : placement_.dropped_columns) std::erase(written_, find_column(dropped, names));
}

void RowPlacer::place(const duckdb::DataChunk& rows, std::uint64_t first_row,
                      std::span<std::uint32_t> partitions) const {
  switch (placement_.kind) {
    case Placement::Kind::kSingle:
      std::ranges::fill(partitions, 0);
      return;
    case Placement::Kind::kHash:
      return place_by_hash(rows, partitions);
    case Placement::Kind::kExpression:
      return place_by_number(rows.data[keys_[0]], partitions);
    case Placement::Kind::kRandom:
      for (std::size_t row = 0; row < partitions.size(); ++row) {
        partitions[row] =
            partition_of_hash(partition_hash_combine(placement_.seed, first_row + row), this->partitions());
      }
      return;
  }
}

void RowPlacer::place_by_hash(const duckdb::DataChunk& rows, std::span<std::uint32_t> partitions) const {
  std::uint64_t hashes[STANDARD_VECTOR_SIZE];
  std::vector<std::reference_wrapper<const duckdb::Vector>> keys;
  for (const std::size_t key : keys_) keys.emplace_back(rows.data[key]);
  partition_hash(keys, partitions.size(), hashes);
  for (std::size_t row = 0; row < partitions.size(); ++row)
    partitions[row] = partition_of_hash(hashes[row], this->partitions());
}

void RowPlacer::place_by_number(const duckdb::Vector& numbers, std::span<std::uint32_t> partitions) const {
  UnifiedVectorFormat format;
  numbers.ToUnifiedFormat(format);
  const auto count = static_cast<std::uint64_t>(placement_.count);
  with_integer(numbers.GetType(), [&]<typename T>() {
    const T* values = UnifiedVectorFormat::GetDataUnsafe<T>(format);
    for (std::size_t row = 0; row < partitions.size(); ++row) {
      const std::size_t position = format.sel->get_index(row);
      const std::uint64_t number = format.validity.RowIsValid(position) ? checked(values[position], count) : count;
      if (number == count) out_of_range(numbers, row, placement_.count);
      partitions[row] = static_cast<std::uint32_t>(number);
    }
  });
}

}  // namespace millpond
