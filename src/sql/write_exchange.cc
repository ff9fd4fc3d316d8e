#include <utility>

#include "sql/engine.h"

namespace millpond {

Result<TaskResult> Engine::write_exchange(ArrowStream stream, const std::string& directory) {
  // Rows from outside come in as a function's do: this one is handed nothing of use and gives the stream.
  Task task;
  task.query = "SELECT 1 AS unused";
  task.call.emplace();
  task.output.directory = directory;
  task.output.exchange.emplace();
  const CallHandler give = [&](const CallSpec&, ArrowStream, const Task&) -> Result<ArrowStream> { return std::move(stream); };
  const std::atomic<bool> cancel{false};
  TaskResult result = run_task(task, give, cancel);
  if (!result.status.is_ok()) return Status(result.status.code(), result.status.message(), result.status.hint());
  return result;
}

}  // namespace millpond
