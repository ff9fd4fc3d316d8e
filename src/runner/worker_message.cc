#include "runner/worker_message.h"

#include <array>
#include <utility>

#include "runner/frame.h"

namespace millpond {
namespace {

// In the order of the enum's values.
constexpr std::array<const char*, 8> kNames = {"hello",  "welcome",  "refuse", "run",
                                               "cancel", "shutdown", "result", "heartbeat"};

Result<WorkerMessage::Type> type_from_name(const std::string& name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<WorkerMessage::Type>(i);
  }
  return Status::data_corrupt("there is no message of type '" + name + "'");
}

// Another protocol may shape the rest differently, but must still be told apart: so its number is read first.
Result<WorkerInfo> read_info(const Json& json) {
  MILLPOND_ASSIGN_OR_RETURN(const std::int64_t protocol, json.get_int("protocol"));
  if (protocol == kWorkerProtocol) return worker_info_from_json(json);
  WorkerInfo info;
  info.protocol = protocol;
  return info;
}

void read_task(const Json& json, WorkerMessage& message) {
  Result<Task> task = task_from_json(json);
  if (task.is_ok()) {
    message.task = std::move(*task);
  } else {
    message.status = task.status();
  }
}

void read_result(const Json& json, WorkerMessage& message) {
  Result<TaskResult> result = task_result_from_json(json);
  if (result.is_ok()) {
    message.result = std::move(*result);
  } else {
    message.status = result.status();
  }
}

}  // namespace

Result<std::string> encode_message(const WorkerMessage& message) {
  Json json = Json::object({{"type", kNames[static_cast<std::size_t>(message.type)]}});
  if (message.type == WorkerMessage::Type::kHello) {
    json.set("info", worker_info_to_json(message.info));
    json.set("pid", message.pid);
  }
  if (message.type == WorkerMessage::Type::kWelcome) {
    json.set("heartbeat_ms", message.heartbeat_ms);
    json.set("store_settings", message.store_settings);
  }
  if (message.type == WorkerMessage::Type::kRefuse) json.set("status", status_to_json(message.status));
  if (!message.attempt.empty()) json.set("attempt", message.attempt);
  if (message.task) json.set("task", task_to_json(*message.task));
  if (message.result) json.set("result", task_result_to_json(*message.result));
  std::string frame;
  MILLPOND_RETURN_IF_ERROR(append_frame(frame, json.dump()));
  return frame;
}

Result<WorkerMessage> decode_message(const std::string& payload) {
  MILLPOND_ASSIGN_OR_RETURN(const Json json, Json::parse(payload));
  MILLPOND_ASSIGN_OR_RETURN(const std::string name, json.get_string("type"));
  WorkerMessage message;
  MILLPOND_ASSIGN_OR_RETURN(message.type, type_from_name(name));
  message.attempt = json.string_or("attempt", "");
  message.pid = json.int_or("pid", 0);
  message.heartbeat_ms = json.int_or("heartbeat_ms", 1000);
  message.store_settings = json.string_or("store_settings", "");
  if (message.type == WorkerMessage::Type::kHello) {
    MILLPOND_ASSIGN_OR_RETURN(const Json* info, json.get_object("info"));
    MILLPOND_ASSIGN_OR_RETURN(message.info, read_info(*info));
  }
  if (message.type == WorkerMessage::Type::kRefuse) {
    MILLPOND_ASSIGN_OR_RETURN(const Json* status, json.get_object("status"));
    message.status = status_from_json(*status);
  }
  if (message.type == WorkerMessage::Type::kRun) {
    MILLPOND_ASSIGN_OR_RETURN(const Json* task, json.get_object("task"));
    read_task(*task, message);
  }
  if (message.type == WorkerMessage::Type::kResult) {
    MILLPOND_ASSIGN_OR_RETURN(const Json* result, json.get_object("result"));
    read_result(*result, message);
  }
  return message;
}

}  // namespace millpond
