#include <utility>

#include "task/task.h"

namespace millpond {
namespace {

void set_if_any(Json& json, const char* key, const std::string& value) {
  if (!value.empty()) json.set(key, value);
}

}  // namespace

Json status_to_json(const Status& status) {
  Json json = Json::object({{"code", status_code_name(status.code())}});
  if (status.is_ok()) return json;
  json.set("message", status.message());
  set_if_any(json, "hint", status.hint());
  set_if_any(json, "location", status.context().location);
  set_if_any(json, "node", status.context().node);
  set_if_any(json, "task", status.context().task);
  set_if_any(json, "file", status.context().file);
  set_if_any(json, "detail", status.context().detail);
  return json;
}

// Never an OK status from something that does not say "ok": a result that can't be read is a failure.
Status status_from_json(const Json& json) {
  const std::string name = json.string_or("code", "internal");
  const StatusCode code = status_code_from_name(name);
  if (code == StatusCode::kOk) return Status::ok();
  ErrorContext context;
  context.location = json.string_or("location", "");
  context.node = json.string_or("node", "");
  context.task = json.string_or("task", "");
  context.file = json.string_or("file", "");
  context.detail = json.string_or("detail", "");
  return Status(code, json.string_or("message", "an error without a message"), json.string_or("hint", ""))
      .with_context(context);
}

}  // namespace millpond
