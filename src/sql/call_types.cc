#include "sql/call_types.h"

#include <algorithm>
#include <cstddef>

#include "base/quote.h"
#include "duckdb/common/type_visitor.hpp"

namespace millpond {
namespace {

duckdb::LogicalType type_for_arrow(const duckdb::LogicalType& type) {
  return duckdb::TypeVisitor::VisitReplace(type, [](const duckdb::LogicalType& inner) {
    switch (inner.id()) {
      case duckdb::LogicalTypeId::BIT:
      case duckdb::LogicalTypeId::TIME_TZ:
      case duckdb::LogicalTypeId::UHUGEINT: return duckdb::LogicalType(duckdb::LogicalType::VARCHAR);
      default: return inner;
    }
  });
}

/// Collects a select list that casts some columns.
class CastList {
 public:
  void add(const std::string& name, const std::string& cast_to) {
    const std::string column = quote_identifier(name);
    if (!text_.empty()) text_ += ", ";
    text_ += cast_to.empty() ? column : "CAST(" + column + " AS " + cast_to + ") AS " + column;
    has_casts_ = has_casts_ || !cast_to.empty();
  }

  std::string over(const std::string& select) const {
    return has_casts_ ? "SELECT " + text_ + " FROM (" + select + "\n)" : select;
  }

 private:
  std::string text_;
  bool has_casts_ = false;
};

}  // namespace

std::string select_for_arrow(const std::string& select, const Schema& schema,
                             const duckdb::vector<duckdb::LogicalType>& types) {
  CastList list;
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const duckdb::LogicalType carried = type_for_arrow(types[i]);
    list.add(schema[i].name, carried == types[i] ? "" : carried.ToString());
  }
  return list.over(select);
}

bool travels_unchanged(const Schema& schema) {
  return std::none_of(schema.begin(), schema.end(), [](const Column& column) {
    const auto has = [&](const char* name) { return column.type.find(name) != std::string::npos; };
    return has("BIT") || has("TIME WITH TIME ZONE") || has("UHUGEINT");
  });
}

std::string select_as_declared(const std::string& select, const Schema& found, const Schema& declared) {
  if (found.size() != declared.size()) return select;
  CastList list;
  for (std::size_t i = 0; i < found.size(); ++i) {
    list.add(found[i].name, found[i].type == declared[i].type ? "" : declared[i].type);
  }
  return list.over(select);
}

}  // namespace millpond
