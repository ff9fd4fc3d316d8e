#pragma once

#include <memory>

#include "duckdb/main/extension/extension_loader.hpp"
#include "sql/exchange_functions.h"

namespace millpond {

/// Registers COPY … (FORMAT exchange). Options: placement 'single' (default), 'hash', 'expression' or 'random'; keys, a
/// list of column names; partitions, the number of them; seed, for 'random'; drop_columns, a list of columns that only
/// served placement and are not written; sync, true by default: whether the file survives a power cut when the
/// statement returns.
void register_exchange_copy(duckdb::ExtensionLoader& loader, std::shared_ptr<ExchangeContext> context);

}  // namespace millpond
