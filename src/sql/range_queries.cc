#include "sql/range_queries.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/quote.h"

namespace millpond {
namespace {

std::string key_sql(const std::string& key, const Schema& schema) {
  const int column = find_column(schema, key);
  return column < 0 ? "(" + key + "\n)" : quote_identifier(schema[static_cast<std::size_t>(column)].name);
}

std::string sort_key(const RangeKeys& by, const Schema& schema) {
  std::string arguments;
  for (std::size_t i = 0; i < by.keys.size(); ++i) {
    arguments += (i == 0 ? "" : ", ") + key_sql(by.keys[i], schema) + ", " + quote_literal(by.orders[i]);
  }
  return "create_sort_key(" + arguments + ")";
}

std::string free_name(const Schema& schema, std::string name) {
  while (find_column(schema, name) >= 0) name += '_';
  return quote_identifier(name);
}

// The columns that tell rows of equal keys apart.
std::string tie_columns(const RangeKeys& by, const Schema& schema) {
  std::string columns;
  for (const Column& column : schema) {
    const bool is_key = std::any_of(by.keys.begin(), by.keys.end(),
                                    [&](const std::string& key) { return same_column_name(key, column.name); });
    const bool is_hashed = equals_only_itself(column.type) || column.type == "DOUBLE" || column.type == "FLOAT";
    if (!is_key && is_hashed) columns += ", " + quote_identifier(column.name);
  }
  return columns;
}

}  // namespace

bool equals_only_itself(const std::string& type) {
  static constexpr std::array<std::string_view, 22> kTypes = {
      "BOOLEAN", "TINYINT", "SMALLINT",  "INTEGER",      "BIGINT",       "HUGEINT",      "UTINYINT", "USMALLINT", "UINTEGER",
      "UBIGINT", "UHUGEINT", "VARCHAR",      "BLOB",         "DATE",     "TIME",      "UUID",
      "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", "TIME_NS"};
  const bool is_decimal = type.starts_with("DECIMAL(") && type.back() == ')';
  return is_decimal || std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

// The rows with the smallest hashes of their positions. So small hashes are rare: the largest of them tells how many rows
// there are.
std::string range_sample_query(const RangeKeys& by, const Schema& schema, std::int64_t rows) {
  const std::string hash = free_name(schema, "__millpond_hash");
  const std::string limit = std::to_string(rows);
  return "SELECT " + sort_key(by, schema) + " AS key, CAST(1024 * CASE WHEN count(*) OVER () < " + limit +
         " THEN 1 ELSE 18446744073709551616.0 / (max(" + hash + ") OVER () + 1.0) END AS BIGINT) AS weight\n"
         "FROM (SELECT *, hash(row_number() OVER ()) AS " + hash + " FROM {0} ORDER BY " + hash + " LIMIT " + limit + ")";
}

// Row by row in order, the share of all rows that is passed: where it passes the next of `count` equal parts, there is a bound.
std::string range_bounds_query(std::int64_t count) {
  const std::string parts = std::to_string(count);
  return "SELECT list(key ORDER BY key) AS bounds FROM (\n"
         "SELECT key, unnest(range(CAST((seen - weight) * " + parts + " // total AS BIGINT), "
         "CAST(least(seen * " + parts + " // total, " + std::to_string(count - 1) + ") AS BIGINT))) FROM (\n"
         "SELECT *, sum(weight) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS seen, sum(weight) OVER () AS total FROM {0}))";
}

std::string range_number_query(const RangeKeys& by, const Schema& schema, bool splits_ties, const std::string& number) {
  const std::string name = quote_identifier(number);
  const std::string ties = splits_ties ? tie_columns(by, schema) : std::string();
  if (ties.empty()) {
    return "SELECT *, millpond_range((FROM {1}), " + sort_key(by, schema) + ", false) AS " + name + " FROM {0}";
  }
  const std::string key = free_name(schema, "__millpond_sort_key");
  const std::string first = free_name(schema, "__millpond_first");
  const std::string last = free_name(schema, "__millpond_last");
  return "SELECT * EXCLUDE (" + first + ", " + last + "), CASE WHEN " + first + " = " + last + " THEN " + first + " ELSE " + first +
         " + millpond_partition(" + last + " - " + first + " + 1" + ties + ") END AS " + name + "\n"
         "FROM (SELECT * EXCLUDE (" + key + "), millpond_range((FROM {1}), " + key + ", false) AS " + first +
         ", millpond_range((FROM {1}), " + key + ", true) AS " + last + "\n"
         "FROM (SELECT *, " + sort_key(by, schema) + " AS " + key + " FROM {0}))";
}

}  // namespace millpond
