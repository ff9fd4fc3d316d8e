#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "duckdb/main/connection.hpp"
#include "duckdb/main/database.hpp"
#include "sql/bound_schemas.h"
#include "sql/engine.h"
#include "sql/exchange_functions.h"
#include "sql/parsed_query.h"
#include "sql/row_streams.h"

namespace millpond {

/// What the engine's functions share. Each call makes a connection of its own (about 30 µs).
class Engine::Impl {
 public:
  /// Opens an instance with all our functions in it.
  Result<std::shared_ptr<duckdb::DuckDB>> open(const EngineOptions& settings);

  /// The instance for everything but small tasks. A fatal error of DuckDB's makes an instance useless for good: whoever
  /// comes after it gets a new one.
  std::shared_ptr<duckdb::DuckDB> database();

  /// The instance that runs a task. Small tasks, once there are many, get an instance without threads of its own: handing
  /// the pieces of a tiny query from thread to thread takes longer than the query, and such tasks run side by side anyway.
  std::shared_ptr<duckdb::DuckDB> database_for(const Task& task);

  EngineOptions options;
  std::shared_ptr<FileSystem> files;
  std::shared_ptr<ExchangeContext> exchange;
  std::shared_ptr<RowStreams> row_streams;
  BoundSchemas bound_schemas;
  ParsedQuery parsed_query;

 private:
  friend class Engine;
  void renew(std::shared_ptr<duckdb::DuckDB>& instance, const EngineOptions& settings);

  std::mutex mutex_;  // Guards what follows.
  std::shared_ptr<duckdb::DuckDB> database_;
  std::int64_t small_tasks_ = 0;
  std::shared_ptr<duckdb::DuckDB> small_database_;
};

}  // namespace millpond
