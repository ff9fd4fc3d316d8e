#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "millpond/arrow.h"
#include "millpond/export.h"
#include "millpond/object_store.h"
#include "millpond/result.h"
#include "millpond/schema.h"

namespace millpond {

/// What a worker is told of the user's function that the rows go through.
struct WorkerCall {
  std::string kind;                ///< As CallOptions::kind.
  std::string name;                ///< For messages.
  std::string function_path;       ///< The pickled function.
  std::string function_digest;     ///< XXH3-128 of that file, hex: check it before loading.
  std::int64_t batch_size = 0;
  std::int64_t batch_bytes = 0;    ///< 0: no limit.
  std::string batch_format;
  bool has_schema = false;
  Schema schema;                   ///< What the user declared, if has_schema.
  std::int64_t partition = 0;      ///< Which partition the rows are of.
  std::vector<std::string> files;  ///< The input files they come from, for messages; may be empty.
};

/// Hands a stream of rows through the user's function. Called on a thread of the engine.
using WorkerCallHandler = std::function<Result<ArrowStream>(const WorkerCall& call, ArrowStream input)>;

/// Why the stream that the handler gave last broke off, or OK. A stream can say so in text only; this keeps the code,
/// the traceback and the rows concerned. Asked once for each task that failed.
using WorkerErrorHandler = std::function<Status()>;

/// The whole life of a worker process: `arguments` are those that the driver appended to SessionOptions::worker_command
/// (--threads N --memory-limit BYTES --temp-directory DIR FD). Opens an engine, says hello, runs tasks until told to stop.
/// `object_store`, if any, is configured as the driver's is. Returns the exit code.
MILLPOND_EXPORT int run_worker(const std::vector<std::string>& arguments, const WorkerCallHandler& handler,
                               const WorkerErrorHandler& take_error,
                               const std::shared_ptr<ObjectStore>& object_store = nullptr);

}  // namespace millpond
