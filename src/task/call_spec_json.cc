#include "task/task.h"

namespace millpond {

Json call_spec_to_json(const CallSpec& call) {
  Json json = Json::object({{"kind", call.kind},
                            {"function_path", call.function_path},
                            {"function_digest", call.function_digest},
                            {"batch_size", call.batch_size},
                            {"batch_bytes", call.batch_bytes},
                            {"batch_format", call.batch_format},
                            {"name", call.name}});
  if (call.schema.has_value()) json.set("schema", schema_to_json(*call.schema));
  return json;
}

Result<CallSpec> call_spec_from_json(const Json& json) {
  CallSpec call;
  MILLPOND_ASSIGN_OR_RETURN(call.kind, json.get_string("kind"));
  MILLPOND_ASSIGN_OR_RETURN(call.function_path, json.get_string("function_path"));
  MILLPOND_ASSIGN_OR_RETURN(call.function_digest, json.get_string("function_digest"));
  MILLPOND_ASSIGN_OR_RETURN(call.batch_size, json.get_int("batch_size"));
  MILLPOND_ASSIGN_OR_RETURN(call.batch_bytes, json.get_int("batch_bytes"));
  MILLPOND_ASSIGN_OR_RETURN(call.batch_format, json.get_string("batch_format"));
  MILLPOND_ASSIGN_OR_RETURN(call.name, json.get_string("name"));
  if (const Json* schema = json.find("schema")) {
    MILLPOND_ASSIGN_OR_RETURN(call.schema, schema_from_json(*schema));
  }
  return call;
}

}  // namespace millpond
