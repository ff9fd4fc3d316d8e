#include "runner/attempt_guard.h"

#include <exception>
#include <string>
#include <utility>

namespace millpond {

TaskResult run_guarded(const RunTask& run, const Task& task, const std::atomic<bool>& cancel) {
  TaskResult result;
  try {
    result = run(task, cancel);
  } catch (const std::exception& error) {
    result.status = Status::internal(std::string("running a task threw an exception: ") + error.what());
  } catch (...) {
    result.status = Status::internal("running a task threw something that is no exception");
  }
  result.task = task.id;
  result.attempt = task.attempt;
  return result;
}

TaskResult failed_result(const Task& task, Status status) {
  TaskResult result;
  result.task = task.id;
  result.attempt = task.attempt;
  result.directory = task.output.directory;
  ErrorContext context;
  context.location = task.location;
  context.node = task.node;
  context.task = "stage " + std::to_string(task.stage) + ", partition " + std::to_string(task.partition);
  result.status = status.with_context(context);
  return result;
}

}  // namespace millpond
