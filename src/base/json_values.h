#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "millpond/result.h"

namespace millpond {

/// Lists and maps of text as JSON and back; the inverse is kDataCorrupt when a value is not text.
Json string_list_to_json(const std::vector<std::string>& values);
Result<std::vector<std::string>> string_list_from_json(const Json& json);
Json string_map_to_json(const std::map<std::string, std::string>& values);
Result<std::map<std::string, std::string>> string_map_from_json(const Json& json);

}  // namespace millpond
