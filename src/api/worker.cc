#include "millpond/worker.h"

#include <unistd.h>

#include <charconv>
#include <memory>
#include <string_view>
#include <utility>

#include "api/worker_info.h"
#include "runner/worker_main.h"
#include "sql/engine.h"
#include "storage/file_system.h"
#include "storage/files_by_scheme.h"

namespace millpond {
namespace {

std::int64_t to_number(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::vector<std::string> input_files(const Task& task) {
  std::vector<std::string> files;
  for (const auto& input : task.inputs) {
    for (const auto& slice : input.slices) {
      if (const auto* file = std::get_if<FileSlice>(&slice)) files.push_back(file->path);
    }
  }
  return files;
}

WorkerCall worker_call(const CallSpec& spec, const Task& task) {
  WorkerCall call;
  call.kind = spec.kind;
  call.name = spec.name;
  call.function_path = spec.function_path;
  call.function_digest = spec.function_digest;
  call.batch_size = spec.batch_size;
  call.batch_bytes = spec.batch_bytes;
  call.batch_format = spec.batch_format;
  call.has_schema = spec.schema.has_value();
  call.schema = spec.schema.value_or(Schema{});
  call.partition = task.partition;
  call.files = input_files(task);
  return call;
}

}  // namespace

std::vector<std::string> worker_arguments(const EngineOptions& options) {
  return {"--threads", std::to_string(options.threads), "--memory-limit", std::to_string(options.memory_limit_bytes),
          "--temp-directory", options.temp_directory};
}

WorkerInfo worker_info(const Engine& engine) {
  WorkerInfo info;
  info.millpond_version = version();
  info.duckdb_version = engine.duckdb_version();
  info.hash_version = kHashVersion;
  return info;
}

int run_worker(const std::vector<std::string>& arguments, const WorkerCallHandler& handler,
               const WorkerErrorHandler& take_error, const std::shared_ptr<ObjectStore>& object_store) {
  EngineOptions options;
  int fd = -1;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool has_value = i + 1 < arguments.size();
    if (arguments[i] == "--threads" && has_value) {
      options.threads = to_number(arguments[++i]);
    } else if (arguments[i] == "--memory-limit" && has_value) {
      options.memory_limit_bytes = to_number(arguments[++i]);
    } else if (arguments[i] == "--temp-directory" && has_value) {
      options.temp_directory = arguments[++i];
    } else {
      fd = static_cast<int>(to_number(arguments[i]));
    }
  }
  // Two engines may not spill into one folder.
  if (!options.temp_directory.empty()) options.temp_directory += "/worker-" + std::to_string(::getpid());
  Result<std::unique_ptr<Engine>> engine = Engine::open(options, files_by_scheme(local_file_system(), object_store));
  if (fd < 0 || !engine.is_ok()) return 1;
  const CallHandler call = [&](const CallSpec& spec, ArrowStream input, const Task& task) {
    return handler(worker_call(spec, task), std::move(input));
  };
  const RunTask run = [&](const Task& task, const std::atomic<bool>& cancel) {
    TaskResult result = (*engine)->run_task(task, call, cancel);
    if (!task.call || result.status.is_ok()) return result;
    if (const Status error = take_error(); !error.is_ok() && !cancel) {
      result.status = error.with_context(result.status.context());
    }
    return result;
  };
  return worker_main(fd, worker_info(**engine), run, [&](const std::string& store_settings) {
    return object_store ? object_store->configure(store_settings) : Status::ok();
  });
}

}  // namespace millpond
