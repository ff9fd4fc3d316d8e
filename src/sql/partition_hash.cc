#include "sql/partition_hash.h"

#include "duckdb/common/exception.hpp"
#include "duckdb/common/types.hpp"
#include "duckdb/common/vector/flat_vector.hpp"
#include "sql/partition_hash_values.h"

namespace millpond {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::PhysicalType;
using duckdb::RecursiveUnifiedVectorFormat;
using duckdb::UnifiedVectorFormat;
namespace h = hashing;

[[noreturn]] void refuse(const LogicalType& type) {
  throw duckdb::InvalidInputException(
      "can't partition by a column of type %s; cast it to a type with plain values, such "
      "as VARCHAR, first",
      type.ToString());
}

bool is_nested(const LogicalType& type) {
  const PhysicalType physical = type.InternalType();
  return physical == PhysicalType::STRUCT || physical == PhysicalType::LIST || physical == PhysicalType::ARRAY;
}

template <typename Visit>
void with_decimal(const LogicalType& type, Visit&& visit) {
  const unsigned scale = duckdb::DecimalType::GetScale(type);
  switch (type.InternalType()) {
    case PhysicalType::INT16:
      return visit.template operator()<std::int16_t>([=](std::int16_t v) { return h::of_decimal(v, scale); });
    case PhysicalType::INT32:
      return visit.template operator()<std::int32_t>([=](std::int32_t v) { return h::of_decimal(v, scale); });
    case PhysicalType::INT64:
      return visit.template operator()<std::int64_t>([=](std::int64_t v) { return h::of_decimal(v, scale); });
    case PhysicalType::INT128:
      return visit.template operator()<duckdb::hugeint_t>(
          [=](const duckdb::hugeint_t& v) { return h::of_decimal(h::wide(v), scale); });
    default:
      refuse(type);
  }
}

template <typename Visit>
void with_enum(const LogicalType& type, Visit&& visit) {
  // Enums hash as their text: the same label has another number in another enum type.
  const duckdb::string_t* labels =
      duckdb::FlatVector::GetData<duckdb::string_t>(duckdb::EnumType::GetValuesInsertOrder(type));
  const auto of_label = [=](std::uint64_t position) { return h::of_string(labels[position]); };
  switch (type.InternalType()) {
    case PhysicalType::UINT8:
      return visit.template operator()<std::uint8_t>(of_label);
    case PhysicalType::UINT16:
      return visit.template operator()<std::uint16_t>(of_label);
    case PhysicalType::UINT32:
      return visit.template operator()<std::uint32_t>(of_label);
    default:
      refuse(type);
  }
}

template <typename Visit>
void with_time(LogicalTypeId id, Visit&& visit) {
  std::int64_t per_second = 1'000'000;
  if (id == LogicalTypeId::TIMESTAMP_SEC) per_second = 1;
  if (id == LogicalTypeId::TIMESTAMP_MS) per_second = 1000;
  if (id == LogicalTypeId::TIMESTAMP_NS || id == LogicalTypeId::TIMESTAMP_TZ_NS || id == LogicalTypeId::TIME_NS) {
    per_second = 1'000'000'000;
  }
  visit.template operator()<std::int64_t>([=](std::int64_t v) { return h::of_time(v, per_second); });
}

template <typename Visit>
void with_narrow_integer(LogicalTypeId id, Visit&& visit) {
  switch (id) {
    case LogicalTypeId::BOOLEAN:
      return visit.template operator()<bool>([](bool v) { return h::of_int64(v ? 1 : 0); });
    case LogicalTypeId::TINYINT:
      return visit.template operator()<std::int8_t>(h::of_int64);
    case LogicalTypeId::SMALLINT:
      return visit.template operator()<std::int16_t>(h::of_int64);
    case LogicalTypeId::INTEGER:
      return visit.template operator()<std::int32_t>(h::of_int64);
    case LogicalTypeId::UTINYINT:
      return visit.template operator()<std::uint8_t>(h::of_int64);
    case LogicalTypeId::USMALLINT:
      return visit.template operator()<std::uint16_t>(h::of_int64);
    case LogicalTypeId::UINTEGER:
      return visit.template operator()<std::uint32_t>(h::of_int64);
    default:
      return visit.template operator()<std::int64_t>(h::of_int64);
  }
}

template <typename Visit>
void with_number(const LogicalType& type, Visit&& visit) {
  switch (type.id()) {
    case LogicalTypeId::UBIGINT:
      return visit.template operator()<std::uint64_t>([](std::uint64_t v) { return h::of_uint128(v); });
    case LogicalTypeId::HUGEINT:
      return visit.template operator()<duckdb::hugeint_t>(
          [](const duckdb::hugeint_t& v) { return h::of_int128(h::wide(v)); });
    case LogicalTypeId::UHUGEINT:
      return visit.template operator()<duckdb::uhugeint_t>(
          [](const duckdb::uhugeint_t& v) { return h::of_uint128(h::wide(v)); });
    case LogicalTypeId::FLOAT:
      return visit.template operator()<float>([](float v) { return h::of_double(v); });
    case LogicalTypeId::DOUBLE:
      return visit.template operator()<double>(h::of_double);
    case LogicalTypeId::DECIMAL:
      return with_decimal(type, visit);
    default:
      return with_narrow_integer(type.id(), visit);
  }
}

// Calls visit.template operator()<T>(hash) with the physical type of a flat type and its canonical hash.
template <typename Visit>
void with_hash(const LogicalType& type, Visit&& visit) {
  if (type.IsNumeric() || type.id() == LogicalTypeId::BOOLEAN) return with_number(type, visit);
  switch (type.id()) {
    case LogicalTypeId::SQLNULL:
      return visit.template operator()<std::int32_t>(h::of_int64);
    case LogicalTypeId::UUID:
      return visit.template operator()<duckdb::hugeint_t>(
          [](const duckdb::hugeint_t& v) { return h::of_bytes(&v, sizeof v); });
    case LogicalTypeId::ENUM:
      return with_enum(type, visit);
    case LogicalTypeId::DATE:
      return visit.template operator()<std::int32_t>(h::of_date);
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIME_NS:
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::TIMESTAMP_NS:
    case LogicalTypeId::TIMESTAMP_TZ_NS:
      return with_time(type.id(), visit);
    case LogicalTypeId::TIME_TZ:
      return visit.template operator()<std::uint64_t>([](std::uint64_t v) { return h::of_bytes(&v, sizeof v); });
    case LogicalTypeId::INTERVAL:
      return visit.template operator()<duckdb::interval_t>(h::of_interval);
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::CHAR:
    case LogicalTypeId::BLOB:
    case LogicalTypeId::BIT:
    case LogicalTypeId::BIGNUM:
    case LogicalTypeId::GEOMETRY:
      return visit.template operator()<duckdb::string_t>(h::of_string);
    default:
      refuse(type);
  }
}

std::uint64_t hash_value(const RecursiveUnifiedVectorFormat& column, std::size_t row);

// Elements [begin, begin + count) of a list's or an array's child.
std::uint64_t hash_elements(const RecursiveUnifiedVectorFormat& child, std::size_t begin, std::size_t count) {
  std::uint64_t hash = h::of_int64(static_cast<std::int64_t>(count));
  for (std::size_t i = 0; i < count; ++i) hash = h::combine(hash, hash_value(child, begin + i));
  return hash;
}

std::uint64_t hash_nested(const RecursiveUnifiedVectorFormat& column, std::size_t position) {
  switch (column.logical_type.InternalType()) {
    case PhysicalType::STRUCT: {
      std::uint64_t hash = h::of_int64(static_cast<std::int64_t>(column.children.size()));
      for (const auto& child : column.children) hash = h::combine(hash, hash_value(child, position));
      return hash;
    }
    case PhysicalType::LIST: {
      const auto& entry = UnifiedVectorFormat::GetDataUnsafe<duckdb::list_entry_t>(column.unified)[position];
      return hash_elements(column.children[0], entry.offset, entry.length);
    }
    default: {
      const std::size_t size = duckdb::ArrayType::GetSize(column.logical_type);
      return hash_elements(column.children[0], position * size, size);
    }
  }
}

std::uint64_t hash_value(const RecursiveUnifiedVectorFormat& column, std::size_t row) {
  const std::size_t position = column.unified.sel->get_index(row);
  if (!column.unified.validity.RowIsValid(position)) return h::kNullHash;
  if (is_nested(column.logical_type)) return hash_nested(column, position);
  std::uint64_t hash = 0;
  with_hash(column.logical_type,
            [&]<typename T>(auto&& of) { hash = of(UnifiedVectorFormat::GetDataUnsafe<T>(column.unified)[position]); });
  return hash;
}

// Calls put(row, hash) for each row of a column.
template <typename Put>
void hash_column(const duckdb::Vector& column, std::size_t count, Put put) {
  const LogicalType& type = column.GetType();
  if (is_nested(type)) {
    // A dictionary over a nested vector has no children of its own.
    column.Flatten();
    RecursiveUnifiedVectorFormat format;
    duckdb::Vector::RecursiveToUnifiedFormat(column, format);
    for (std::size_t row = 0; row < count; ++row) put(row, hash_value(format, row));
    return;
  }
  UnifiedVectorFormat format;
  column.ToUnifiedFormat(format);
  with_hash(type, [&]<typename T>(auto&& of) {
    const T* values = UnifiedVectorFormat::GetDataUnsafe<T>(format);
    if (format.validity.CannotHaveNull()) {
      for (std::size_t row = 0; row < count; ++row) put(row, of(values[format.sel->get_index(row)]));
      return;
    }
    for (std::size_t row = 0; row < count; ++row) {
      const std::size_t position = format.sel->get_index(row);
      put(row, format.validity.RowIsValid(position) ? of(values[position]) : h::kNullHash);
    }
  });
}

}  // namespace

bool can_partition_by(const LogicalType& type) {
  if (type.id() == LogicalTypeId::VARIANT) return false;
  switch (type.InternalType()) {
    case PhysicalType::STRUCT:
      for (const auto& child : duckdb::StructType::GetChildTypes(type)) {
        if (!can_partition_by(child.second)) return false;
      }
      return true;
    case PhysicalType::LIST:
      return can_partition_by(duckdb::ListType::GetChildType(type));
    case PhysicalType::ARRAY:
      return can_partition_by(duckdb::ArrayType::GetChildType(type));
    default:
      break;
  }
  try {
    with_hash(type, []<typename T>(auto&&) {});
  } catch (const duckdb::InvalidInputException&) {
    return false;
  }
  return true;
}

void partition_hash(const std::vector<std::reference_wrapper<const duckdb::Vector>>& keys, std::size_t count,
                    std::uint64_t* hashes) {
  bool first = true;
  for (const duckdb::Vector& key : keys) {
    if (!can_partition_by(key.GetType())) refuse(key.GetType());
    if (first) {
      hash_column(key, count, [&](std::size_t row, std::uint64_t hash) { hashes[row] = hash; });
    } else {
      hash_column(key, count,
                  [&](std::size_t row, std::uint64_t hash) { hashes[row] = h::combine(hashes[row], hash); });
    }
    first = false;
  }
}

std::uint64_t partition_hash_combine(std::uint64_t left, std::uint64_t right) { return h::combine(left, right); }

}  // namespace millpond
