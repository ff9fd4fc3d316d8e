#pragma once

#include "data/scan_options.h"

namespace millpond {

/// Whether the files' columns are mapped to the data set's by DuckDB's reader option `schema`: then files may differ, and a
/// file's own column of a name may be another one.
inline bool maps_columns(const ScanOptions& options) { return options.reader_options.contains("schema"); }

}  // namespace millpond
