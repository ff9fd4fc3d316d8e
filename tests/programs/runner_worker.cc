// A worker process for the runner's tests. What a task does stands in its query: "sleep 100", "crash 9", "exit 3",
// "hang", "wait", "arguments" (what it was started with), "big 1000000", "garbage", "stop", "leave_child", "log <text>", "pid".
// Arguments before the socket's number: --duckdb <version>, --exit <code>, --mute 1, --pids <file> (append one's own),
// --drive <file> (be a driver of three such workers, which write their pids there, and never end).

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include <unistd.h>

#include "runner/process_runner.h"
#include "runner/worker_main.h"

namespace {

int socket_fd = -1;
std::string arguments;

void sleep_ms(std::int64_t milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

void forever() {
  while (true) sleep_ms(1000);
}

void write_garbage() {
  const char garbage[] = "\xff\xff\xff\xffgarbage";
  [[maybe_unused]] const ssize_t written = ::write(socket_fd, garbage, sizeof(garbage));
}

/// A child of the worker that holds whatever it inherited.
void leave_child() {
  if (::fork() == 0) forever();
}

millpond::TaskResult run(const millpond::Task& task, const std::atomic<bool>& cancel) {
  std::istringstream words(task.query);
  std::string verb;
  std::int64_t number = 0;
  words >> verb >> number;
  millpond::TaskResult result;
  result.metrics.rows_out = task.partition;
  if (verb == "sleep") sleep_ms(number);
  // A sanitizer would turn the signal into an exit code of its own.
  if (verb == "crash") std::signal(static_cast<int>(number), SIG_DFL);
  if (verb == "crash") ::raise(static_cast<int>(number));
  if (verb == "exit") std::_Exit(static_cast<int>(number));
  if (verb == "hang") forever();
  if (verb == "big") result.directory = std::string(static_cast<std::size_t>(number), 'x');
  if (verb == "garbage") write_garbage();
  if (verb == "garbage") forever();
  if (verb == "stop") ::raise(SIGSTOP);
  if (verb == "leave_child") leave_child();
  if (verb == "throw") throw std::runtime_error("thrown on purpose");
  if (verb == "arguments") result.directory = arguments;
  if (verb == "pid") result.directory = std::to_string(::getpid());
  if (verb == "log") {
    std::fprintf(stderr, "%s\n", task.query.c_str());
    ::raise(SIGABRT);
  }
  while (verb == "wait" && !cancel.load()) sleep_ms(1);
  if (cancel.load()) result.status = millpond::Status(millpond::StatusCode::kCancelled, "obeyed");
  return result;
}

void note_pid(const char* path) {
  std::ofstream(path, std::ios::app) << ::getpid() << std::endl;
}

int drive(const char* program, const char* pids, const millpond::WorkerInfo& info) {
  millpond::ProcessRunnerOptions options;
  options.command = {program, "--pids", pids};
  options.slots = 3;
  options.info = info;
  auto runner = millpond::make_process_runner(options);
  if (!runner.is_ok()) return 1;
  for (const char* query : {"hang", "wait", "stop"}) {
    millpond::Task task;
    task.attempt = task.query = query;
    if (!(*runner)->start(task).is_ok()) return 1;
  }
  forever();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  millpond::WorkerInfo info{millpond::kWorkerProtocol, "0.0.1", "v2.0.0", 1};
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--duckdb") == 0) info.duckdb_version = argv[i + 1];
    if (std::strcmp(argv[i], "--exit") == 0) return std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--mute") == 0) forever();
    if (std::strcmp(argv[i], "--pids") == 0) note_pid(argv[i + 1]);
    if (std::strcmp(argv[i], "--drive") == 0) return drive(argv[0], argv[i + 1], info);
  }
  for (int i = 1; i < argc; ++i) arguments += std::string(argv[i]) + " ";
  socket_fd = std::atoi(argv[argc - 1]);
  return millpond::worker_main(socket_fd, info, run);
}
