#include "sql/lossless_types.h"

#include "base/quote.h"
#include "duckdb/common/type_visitor.hpp"

namespace millpond {
namespace {

struct LossyType {
  duckdb::LogicalTypeId id;
  const char* loss;
  const char* casts;  // What to cast to instead.
};

constexpr LossyType kLossyInParquet[] = {
    {duckdb::LogicalTypeId::HUGEINT, "it would become DOUBLE and lose digits", "BIGINT, DECIMAL(38,0) or DOUBLE"},
    {duckdb::LogicalTypeId::UHUGEINT, "it would become DOUBLE and lose digits", "UBIGINT, DECIMAL(38,0) or DOUBLE"},
    {duckdb::LogicalTypeId::INTERVAL, "it would be cut to milliseconds", "VARCHAR"},
    {duckdb::LogicalTypeId::TIME_TZ, "it would lose its zone", "TIME or VARCHAR"},
};

}  // namespace

Status check_lossless(const std::string& column, const duckdb::LogicalType& type, FileFormat format) {
  if (format != FileFormat::kParquet) return Status::ok();
  for (const LossyType& lossy : kLossyInParquet) {
    const bool is_inside = duckdb::TypeVisitor::Contains(type, lossy.id);
    if (!is_inside) continue;
    const std::string what = type.id() == lossy.id ? "is " : "holds ";
    return Status::invalid_argument(
        "column \"" + column + "\" " + what + duckdb::LogicalType(lossy.id).ToString() + ", which Parquet can't hold: " +
            lossy.loss,
        type.id() == lossy.id ? "Cast it in the query: CAST(" + quote_identifier(column) + " AS …) with " + lossy.casts + "."
                              : "Cast what it holds in the query to " + std::string(lossy.casts) + ".");
  }
  return Status::ok();
}

}  // namespace millpond
