#include <algorithm>

#include "base/machine.h"
#include "duckdb/main/valid_checker.hpp"
#include "sql/engine_impl.h"

namespace millpond {
namespace {

// Little enough that even its square is soon done on one thread.
constexpr std::int64_t kMostRows = 20000;
constexpr std::int64_t kMostBytes = std::int64_t{1} << 20;
// So many small tasks pay for the second instance (about 15 ms).
constexpr std::int64_t kTasksBefore = 16;
// What does not fit runs again in the large instance.
constexpr std::int64_t kMostMemory = std::int64_t{256} << 20;

bool is_small(const Task& task) {
  if (task.inputs.empty() || task.call.has_value() || !task.setup.empty()) return false;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  for (const TaskInput& input : task.inputs) {
    for (const Slice& slice : input.slices) {
      if (slice_rows(slice) < 0) return false;
      rows += slice_rows(slice);
      bytes += slice_bytes(slice);
    }
  }
  return rows <= kMostRows && bytes <= kMostBytes;
}

EngineOptions small_options(EngineOptions options) {
  options.threads = 1;
  options.temp_directory.clear();
  const std::int64_t memory = options.memory_limit_bytes > 0 ? options.memory_limit_bytes : usable_memory();
  options.memory_limit_bytes = std::min(memory / 4, kMostMemory);
  return options;
}

}  // namespace

void Engine::Impl::renew(std::shared_ptr<duckdb::DuckDB>& instance, const EngineOptions& settings) {
  if (instance != nullptr && !duckdb::ValidChecker::IsInvalidated(*instance->instance)) return;
  Result<std::shared_ptr<duckdb::DuckDB>> opened = open(settings);
  if (opened.is_ok()) instance = std::move(opened).value();  // Otherwise the old one goes on saying what broke it.
}

std::shared_ptr<duckdb::DuckDB> Engine::Impl::database() {
  const std::lock_guard lock(mutex_);
  renew(database_, options);
  return database_;
}

std::shared_ptr<duckdb::DuckDB> Engine::Impl::database_for(const Task& task) {
  if (options.threads == 1 || !is_small(task)) return database();
  const std::lock_guard lock(mutex_);
  if (++small_tasks_ >= kTasksBefore) renew(small_database_, small_options(options));
  if (small_database_ != nullptr) return small_database_;
  renew(database_, options);
  return database_;
}

}  // namespace millpond
