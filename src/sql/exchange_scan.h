#pragma once

#include <memory>

#include "duckdb/main/extension/extension_loader.hpp"
#include "sql/exchange_functions.h"

namespace millpond {

/// Registers the table function
///   millpond_exchange(paths, partitions, names := […], types := […], num_rows := […], digests := […],
///                     begins := […], ends := […], threads := …, batch_rows := …)
/// which gives the rows of partition partitions[i] of file paths[i], one after the other, in order. The lists go
/// together by position. With names and types no file is opened until it runs and the columns are taken from the files
/// by name; without, the first file tells them. num_rows are the rows of each partition, begins and ends cut out a
/// range of them. threads and batch_rows: see ExchangeReading.
void register_exchange_scan(duckdb::ExtensionLoader& loader, std::shared_ptr<ExchangeContext> context);

}  // namespace millpond
