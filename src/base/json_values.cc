#include "base/json_values.h"

#include <utility>

namespace millpond {

Json string_list_to_json(const std::vector<std::string>& values) {
  return Json(Json::Array(values.begin(), values.end()));
}

Result<std::vector<std::string>> string_list_from_json(const Json& json) {
  if (!json.is_array()) return Status::data_corrupt("JSON: expected an array of strings");
  std::vector<std::string> values;
  values.reserve(json.as_array().size());
  for (const Json& item : json.as_array()) {
    if (!item.is_string()) return Status::data_corrupt("JSON: an item of an array of strings is not a string");
    values.push_back(item.as_string());
  }
  return values;
}

Json string_map_to_json(const std::map<std::string, std::string>& values) {
  Json::Object members;
  for (const auto& [key, value] : values) members.emplace_back(key, value);
  return Json(std::move(members));
}

Result<std::map<std::string, std::string>> string_map_from_json(const Json& json) {
  if (!json.is_object()) return Status::data_corrupt("JSON: expected an object of strings");
  std::map<std::string, std::string> values;
  for (const auto& [key, value] : json.as_object()) {
    if (!value.is_string()) return Status::data_corrupt("JSON member \"" + key + "\" is not a string");
    values[key] = value.as_string();
  }
  return values;
}

}  // namespace millpond
