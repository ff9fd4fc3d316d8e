#pragma once

#include <string>
#include <string_view>

#include "duckdb/common/types.hpp"
#include "exchange/layout.h"

namespace millpond {

/// A column as the exchange file stores it; its type exactly, with labels of enums, aliases and collations.
ExchangeColumn exchange_column(const std::string& name, const duckdb::LogicalType& type);

/// The column's type. kDataCorrupt when the bytes are none.
Result<duckdb::LogicalType> exchange_column_type(const ExchangeColumn& column);

}  // namespace millpond
