#pragma once

#include <memory>

#include "duckdb/main/database.hpp"
#include "millpond/result.h"
#include "sql/engine.h"

namespace millpond {

/// Opens an in-memory DuckDB instance with our settings, which statements can't change afterwards:
/// no extension is installed or loaded by itself, none from the community or without a signature; no persistent secrets;
/// threads, memory limit and temp directory as `options` say; insertion order kept; Parquet footers cached.
/// What a task may set is what kTaskSettings in database.cc lists. About 15 ms.
Result<std::shared_ptr<duckdb::DuckDB>> open_database(const EngineOptions& options);

}  // namespace millpond
