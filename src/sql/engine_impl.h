#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

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
  /// Opens an instance with all our functions in it.
  Result<std::shared_ptr<duckdb::DuckDB>> open(const EngineOptions& settings);

  /// The instance that runs a task. Small tasks, once there are many, get an instance without threads of its own: handing
  /// the pieces of a tiny query from thread to thread takes longer than the query, and such tasks run side by side anyway.
  std::shared_ptr<duckdb::DuckDB> database_for(const Task& task);

  /// Why a task failed: an input file by its name, when it was one.
  Status explain(const std::vector<TaskInput>& inputs, const Status& failure);

  EngineOptions options;
  std::shared_ptr<duckdb::DuckDB> database;
  std::shared_ptr<FileSystem> files;
  std::shared_ptr<ExchangeContext> exchange;
  std::shared_ptr<RowStreams> row_streams;
  BoundSchemas bound_schemas;

 private:
  std::mutex small_mutex_;
  std::int64_t small_tasks_ = 0;
  std::shared_ptr<duckdb::DuckDB> small_database_;
};

}  // namespace millpond
