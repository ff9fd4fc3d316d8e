#include <utility>

#include "base/json_values.h"
#include "task/task.h"

namespace millpond {
namespace {

Json input_to_json(const TaskInput& input) {
  Json json = Json::object({{"name", input.name}, {"schema", schema_to_json(input.schema)}});
  if (input.scan.has_value()) json.set("scan", scan_options_to_json(*input.scan));
  Json::Array slices;
  slices.reserve(input.slices.size());
  for (const Slice& slice : input.slices) slices.push_back(slice_to_json(slice));
  json.set("slices", Json(std::move(slices)));
  return json;
}

Result<TaskInput> input_from_json(const Json& json) {
  TaskInput input;
  MILLPOND_ASSIGN_OR_RETURN(input.name, json.get_string("name"));
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* schema, json.get_array("schema"));
  MILLPOND_ASSIGN_OR_RETURN(input.schema, schema_from_json(Json(*schema)));
  if (const Json* scan = json.find("scan")) {
    MILLPOND_ASSIGN_OR_RETURN(input.scan, scan_options_from_json(*scan));
  }
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* slices, json.get_array("slices"));
  input.slices.reserve(slices->size());
  for (const Json& item : *slices) {
    MILLPOND_ASSIGN_OR_RETURN(Slice slice, slice_from_json(item));
    if (std::holds_alternative<FileSlice>(slice) != input.scan.has_value()) {
      return Status::data_corrupt("the slices of task input \"" + input.name + "\" do not fit its kind");
    }
    input.slices.push_back(std::move(slice));
  }
  return input;
}

Json output_to_json(const TaskOutput& output) {
  Json json = Json::object({{"directory", output.directory}});
  if (output.exchange.has_value()) {
    json.set("exchange", placement_to_json(*output.exchange));
    json.set("exchange_file", output.exchange_file);
  }
  if (output.files.has_value()) json.set("files", write_options_to_json(*output.files));
  return json;
}

Result<TaskOutput> output_from_json(const Json& json) {
  TaskOutput output;
  MILLPOND_ASSIGN_OR_RETURN(output.directory, json.get_string("directory"));
  if (const Json* exchange = json.find("exchange")) {
    MILLPOND_ASSIGN_OR_RETURN(output.exchange, placement_from_json(*exchange));
    MILLPOND_ASSIGN_OR_RETURN(output.exchange_file, json.get_string("exchange_file"));
  }
  if (const Json* files = json.find("files")) {
    MILLPOND_ASSIGN_OR_RETURN(output.files, write_options_from_json(*files));
  }
  return output;
}

Json resources_to_json(const Resources& resources) {
  Json json = Json::object(
      {{"threads", resources.threads}, {"memory_bytes", resources.memory_bytes}, {"gpus", resources.gpus}});
  if (resources.custom.empty()) return json;
  Json custom = Json::object({});
  for (const auto& [name, amount] : resources.custom) custom.set(name, amount);
  json.set("custom", std::move(custom));
  return json;
}

Result<Resources> resources_from_json(const Json& json) {
  Resources resources;
  MILLPOND_ASSIGN_OR_RETURN(resources.threads, json.get_int("threads"));
  MILLPOND_ASSIGN_OR_RETURN(resources.memory_bytes, json.get_int("memory_bytes"));
  MILLPOND_ASSIGN_OR_RETURN(resources.gpus, json.get_double("gpus"));
  if (json.find("custom") == nullptr) return resources;
  MILLPOND_ASSIGN_OR_RETURN(const Json* custom, json.get_object("custom"));
  for (const auto& [name, amount] : custom->as_object()) {
    MILLPOND_ASSIGN_OR_RETURN(resources.custom[name], custom->get_double(name));
  }
  return resources;
}

Status check_version(std::int64_t version) {
  if (version == kTaskVersion) return Status::ok();
  return Status::unsupported("a task has format version " + std::to_string(version) + ", this millpond reads version " +
                                 std::to_string(kTaskVersion),
                             "Run the same version of millpond everywhere.");
}

Status read_work(const Json& json, Task& task) {
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* setup, json.get_array("setup"));
  MILLPOND_ASSIGN_OR_RETURN(task.setup, string_list_from_json(Json(*setup)));
  MILLPOND_ASSIGN_OR_RETURN(task.query, json.get_string("query"));
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* inputs, json.get_array("inputs"));
  for (const Json& item : *inputs) {
    MILLPOND_ASSIGN_OR_RETURN(TaskInput input, input_from_json(item));
    task.inputs.push_back(std::move(input));
  }
  if (const Json* call = json.find("call")) {
    MILLPOND_ASSIGN_OR_RETURN(task.call, call_spec_from_json(*call));
  }
  MILLPOND_ASSIGN_OR_RETURN(const Json* output, json.get_object("output"));
  MILLPOND_ASSIGN_OR_RETURN(task.output, output_from_json(*output));
  return Status::ok();
}

}  // namespace

Json task_to_json(const Task& task) {
  Json::Array inputs;
  inputs.reserve(task.inputs.size());
  for (const TaskInput& input : task.inputs) inputs.push_back(input_to_json(input));
  Json json = Json::object({{"version", task.version},
                            {"id", task.id},
                            {"stage", task.stage},
                            {"partition", task.partition},
                            {"attempt", task.attempt},
                            {"setup", string_list_to_json(task.setup)},
                            {"query", task.query},
                            {"inputs", Json(std::move(inputs))}});
  if (task.call.has_value()) json.set("call", call_spec_to_json(*task.call));
  json.set("output", output_to_json(task.output));
  json.set("resources", resources_to_json(task.resources));
  json.set("seed", task.seed);
  json.set("location", task.location);
  json.set("node", task.node);
  return json;
}

Result<Task> task_from_json(const Json& json) {
  Task task;
  MILLPOND_ASSIGN_OR_RETURN(task.version, json.get_int("version"));
  MILLPOND_RETURN_IF_ERROR(check_version(task.version));
  MILLPOND_ASSIGN_OR_RETURN(task.id, json.get_int("id"));
  MILLPOND_ASSIGN_OR_RETURN(task.stage, json.get_int("stage"));
  MILLPOND_ASSIGN_OR_RETURN(task.partition, json.get_int("partition"));
  MILLPOND_ASSIGN_OR_RETURN(task.attempt, json.get_string("attempt"));
  MILLPOND_RETURN_IF_ERROR(read_work(json, task));
  MILLPOND_ASSIGN_OR_RETURN(const Json* resources, json.get_object("resources"));
  MILLPOND_ASSIGN_OR_RETURN(task.resources, resources_from_json(*resources));
  MILLPOND_ASSIGN_OR_RETURN(const std::int64_t seed, json.get_int("seed"));
  task.seed = static_cast<std::uint64_t>(seed);  // The bits come back, see Json's constructor.
  MILLPOND_ASSIGN_OR_RETURN(task.location, json.get_string("location"));
  MILLPOND_ASSIGN_OR_RETURN(task.node, json.get_string("node"));
  return task;
}

}  // namespace millpond
