#include <array>
#include <algorithm>

#include "api/frames.h"

namespace millpond {

Result<DataFrame> DataFrame::call(const CallOptions& options, const std::string& location) const {
  FrameContext context{session_, options.kind == "partition_numbers" ? "repartition" : options.kind, location};
  constexpr std::array<std::string_view, 5> kKinds = {"map", "filter", "flat_map", "map_batches", "partition_numbers"};
  if (std::find(kKinds.begin(), kKinds.end(), options.kind) == kKinds.end()) {
    return context.fail(Status::invalid_argument("a function can't be called as \"" + options.kind + "\""));
  }
  if (options.batch_size < 1) {
    return context.fail(Status::invalid_argument("batch_size is " + std::to_string(options.batch_size) + "; it must be at least 1"));
  }
  if (options.batch_bytes < 0) {
    return context.fail(Status::invalid_argument("batch_bytes is " + std::to_string(options.batch_bytes) + "; it must not be negative"));
  }
  if (options.concurrency < 0) {
    return context.fail(Status::invalid_argument("concurrency is " + std::to_string(options.concurrency) + "; it must not be negative"));
  }
  if (session_->options().worker_command.empty()) {
    return context.fail(Status::unsupported("functions need worker processes and the session has none",
                                            "set worker_command in SessionOptions"));
  }
  auto stored = session_->impl().store_function(options.function);
  if (!stored.is_ok()) return context.fail(stored.status());
  CallOp op;
  op.kind = options.kind;
  op.name = options.name;
  op.function_path = stored->first;
  op.function_digest = stored->second;
  op.batch_size = options.batch_size;
  op.batch_bytes = options.batch_bytes;
  op.batch_format = options.batch_format;
  op.threads = options.threads;
  op.memory = options.memory;
  op.gpus = options.gpus;
  op.resources = options.resources;
  op.concurrency = options.concurrency;
  // A filter keeps its input's columns whatever the function does.
  op.schema = options.kind == "filter" ? node_->schema : options.schema;
  Partitioning partitioning = node_->partitioning;
  if (options.kind != "filter") {
    partitioning.keys.clear();
    partitioning.determined_by.clear();
    partitioning.ranges.clear();
  }
  return context.frame(op, {node_}, op.schema, partitioning);
}

}  // namespace millpond
