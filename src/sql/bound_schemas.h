#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "duckdb/common/types.hpp"
#include "millpond/schema.h"
#include "task/task.h"

namespace millpond {

/// What binding a task's query found out. The tasks of a stage share it: their inputs differ in slices, never in schema.
struct BoundTask {
  std::string query;                        ///< The one statement, without its semicolon.
  Schema schema;                            ///< Of its rows.
  duckdb::vector<duckdb::LogicalType> types;///< The same as DuckDB's types.
  bool streams = false;                     ///< Its plan keeps no rows.
  bool may_add_rows = false;                ///< It streams, and a row may become several.
};

/// Remembers the last bound tasks of an engine. Thread-safe.
class BoundSchemas {
 public:
  /// Query, setup and the inputs' names and schemas: equal keys bind alike.
  static std::string key_of(const Task& task);

  std::optional<BoundTask> find(const std::string& key);
  void add(const std::string& key, BoundTask bound);

 private:
  static constexpr std::size_t kMost = 256;
  std::mutex mutex_;
  std::map<std::string, BoundTask> known_;
  std::list<std::string> order_;  // The oldest goes first.
};

}  // namespace millpond
