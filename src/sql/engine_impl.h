#pragma once

#include <memory>

#include "duckdb/main/connection.hpp"
#include "duckdb/main/database.hpp"
#include "sql/bound_schemas.h"
#include "sql/engine.h"
#include "sql/exchange_functions.h"
#include "sql/row_streams.h"

namespace millpond {

/// What the engine's functions share. Each call makes a connection of its own (about 30 µs).
class Engine::Impl {
 public:
  std::shared_ptr<duckdb::DuckDB> database;
  std::shared_ptr<FileSystem> files;
  std::shared_ptr<ExchangeContext> exchange;
  std::shared_ptr<RowStreams> row_streams;
  BoundSchemas bound_schemas;
};

}  // namespace millpond
