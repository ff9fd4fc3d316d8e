#include "sql/run_statement.h"

#include <algorithm>
#include <utility>

#include "duckdb/main/query_result.hpp"
#include "duckdb/storage/buffer_manager.hpp"
#include "sql/statements.h"

namespace millpond {
namespace {

void note_use(duckdb::Connection& connection, InstanceUse* use) {
  if (use == nullptr) return;
  const auto& manager = duckdb::BufferManager::GetBufferManager(*connection.context);
  use->peak_memory_bytes = std::max(use->peak_memory_bytes, static_cast<std::int64_t>(manager.GetUsedMemory()));
  use->spill_bytes = std::max(use->spill_bytes, static_cast<std::int64_t>(manager.GetUsedSwap()));
}

// Drives the query; DuckDB's own Query() would not come back before the end.
void drive(duckdb::Connection& connection, duckdb::QueryResult& result, const std::atomic<bool>& cancel, InstanceUse* use) {
  using duckdb::QueryResultState;
  result.Materialize();
  bool interrupted = false;
  while (!result.HasError()) {
    if (!interrupted && cancel.load(std::memory_order_relaxed)) {
      connection.Interrupt();
      interrupted = true;
    }
    const QueryResultState state = result.ExecuteTask();
    note_use(connection, use);
    if (duckdb::IsTerminal(state)) return;
    if (state == QueryResultState::BLOCKED || state == QueryResultState::NO_TASKS_AVAILABLE) result.WaitForTask();
  }
}

}  // namespace

Result<duckdb::unique_ptr<duckdb::QueryResult>> run_statement(duckdb::Connection& connection, const std::string& statement,
                                                              const QueryText& text, const std::atomic<bool>& cancel,
                                                              InstanceUse* use) {
  using Outcome = Result<duckdb::unique_ptr<duckdb::QueryResult>>;
  return without_exceptions(text, [&]() -> Outcome {
    if (cancel.load(std::memory_order_relaxed)) return Status(StatusCode::kCancelled, "the task was cancelled");
    auto result = connection.Submit(parse_own(connection, statement));
    if (!result->HasError()) drive(connection, *result, cancel, use);
    if (result->HasError()) return to_status(result->GetErrorObject(), text);
    return result;
  });
}

}  // namespace millpond
