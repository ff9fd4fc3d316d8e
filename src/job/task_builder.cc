#include "job/task_builder.h"

#include <utility>

#include "base/hash.h"

namespace millpond {
namespace {

/// A slice as what it holds, not where it lies: exchange data counts by content.
Json slice_identity(const Slice& slice) {
  Json json = slice_to_json(slice);
  if (const auto* segment = std::get_if<SegmentSlice>(&slice)) {
    json = Json::object({{"digest", segment->index_digest}, {"partition", segment->partition}});
    if (segment->rows) {
      json.set("begin", segment->rows->begin);
      json.set("end", segment->rows->end);
    }
  }
  return json;
}

Json input_identity(const TaskInput& input) {
  Json::Array slices;
  for (const auto& slice : input.slices) slices.push_back(slice_identity(slice));
  Json json = Json::object({{"name", input.name}, {"schema", schema_to_json(input.schema)}, {"slices", std::move(slices)}});
  if (input.scan) json.set("scan", scan_options_to_json(*input.scan));
  return json;
}

std::string fingerprint_of(const Task& task, const Stage& stage, const std::string& context) {
  Json::Array inputs;
  for (const auto& input : task.inputs) inputs.push_back(input_identity(input));
  Json json = Json::object({{"version", task.version},
                            {"context", context},
                            {"setup", Json::Array(task.setup.begin(), task.setup.end())},
                            {"query", task.query},
                            {"partition", task.partition},
                            {"inputs", std::move(inputs)},
                            {"seed", task.seed}});
  if (task.call) {
    Json call = call_spec_to_json(*task.call);
    call.set("function_path", Json());
    json.set("call", std::move(call));
  }
  if (task.output.exchange) json.set("placement", placement_to_json(*task.output.exchange));
  if (task.output.files) json.set("files", write_options_to_json(*task.output.files));
  if (stage.write) json.set("path", stage.write->path);
  return xxh3_128_hex(json.dump());
}

Result<WriteOptions> task_write_options(const WriteFilesOptions& options) {
  WriteOptions write;
  MILLPOND_ASSIGN_OR_RETURN(write.format, file_format_from_name(options.format));
  write.partition_by = options.partition_by;
  write.max_rows_per_file = options.max_rows_per_file;
  write.single_file = options.single_file;
  write.compression = options.compression;
  write.copy_options = options.copy_options;
  return write;
}

}  // namespace

Result<BuiltTask> build_task(const Stage& stage, std::int64_t partition, SourceResolver& resolver, const std::string& context,
                             const Share* share) {
  BuiltTask built;
  Task& task = built.task;
  task.stage = stage.id;
  task.partition = partition;
  task.setup = stage.setup;
  task.query = stage.query;
  task.call = stage.call;
  task.resources = stage.resources;
  task.location = stage.location;
  task.node = stage.name;
  for (std::size_t i = 0; i < stage.inputs.size(); ++i) {
    const StageInput& input = stage.inputs[i];
    const bool is_shared = share != nullptr && input.is_side_by_side();
    MILLPOND_ASSIGN_OR_RETURN(ResolvedPartition resolved,
                              is_shared ? resolver.share(input.source, static_cast<std::int64_t>(i), *share)
                                        : resolver.partition(input.source, partition / input.divisor));
    task.inputs.push_back({input.name, input.schema, std::move(resolved.scan), std::move(resolved.slices)});
  }
  if (stage.write) {
    MILLPOND_ASSIGN_OR_RETURN(task.output.files, task_write_options(stage.write->options));
  } else {
    task.output.exchange = stage.placement;
  }
  built.fingerprint = fingerprint_of(task, stage, context);
  return built;
}

}  // namespace millpond
