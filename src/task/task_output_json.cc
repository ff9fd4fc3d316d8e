#include <utility>

#include "base/json_values.h"
#include "task/task.h"

namespace millpond {
namespace {

constexpr std::pair<Placement::Kind, const char*> kPlacementKinds[] = {
    {Placement::Kind::kSingle, "single"},
    {Placement::Kind::kHash, "hash"},
    {Placement::Kind::kExpression, "expression"},
    {Placement::Kind::kRandom, "random"},
};

Result<Placement::Kind> placement_kind_from_name(const std::string& name) {
  for (const auto& [kind, kind_name] : kPlacementKinds) {
    if (name == kind_name) return kind;
  }
  return Status::data_corrupt("unknown kind of placement \"" + name + "\"");
}

}  // namespace

Json placement_to_json(const Placement& placement) {
  Json json = Json::object(
      {{"kind", kPlacementKinds[static_cast<std::size_t>(placement.kind)].second}, {"count", placement.count}});
  if (!placement.keys.empty()) json.set("keys", string_list_to_json(placement.keys));
  if (placement.seed != 0) json.set("seed", placement.seed);
  if (!placement.dropped_columns.empty()) json.set("dropped_columns", string_list_to_json(placement.dropped_columns));
  return json;
}

Result<Placement> placement_from_json(const Json& json) {
  Placement placement;
  MILLPOND_ASSIGN_OR_RETURN(const std::string kind, json.get_string("kind"));
  MILLPOND_ASSIGN_OR_RETURN(placement.kind, placement_kind_from_name(kind));
  MILLPOND_ASSIGN_OR_RETURN(placement.count, json.get_int("count"));
  if (placement.count < 1) {
    return Status::data_corrupt("a placement has " + std::to_string(placement.count) + " partitions, not 1 or more");
  }
  if (const Json* keys = json.find("keys")) {
    MILLPOND_ASSIGN_OR_RETURN(placement.keys, string_list_from_json(*keys));
  }
  // Seeds above 2^63-1 are written as negative numbers; the cast gives the same bits back.
  placement.seed = static_cast<std::uint64_t>(json.int_or("seed", 0));
  if (const Json* columns = json.find("dropped_columns")) {
    MILLPOND_ASSIGN_OR_RETURN(placement.dropped_columns, string_list_from_json(*columns));
  }
  return placement;
}

Json write_options_to_json(const WriteOptions& options) {
  return Json::object({{"format", file_format_name(options.format)},
                       {"partition_by", string_list_to_json(options.partition_by)},
                       {"max_rows_per_file", options.max_rows_per_file},
                       {"single_file", options.single_file},
                       {"compression", options.compression},
                       {"copy_options", string_map_to_json(options.copy_options)}});
}

Result<WriteOptions> write_options_from_json(const Json& json) {
  WriteOptions options;
  MILLPOND_ASSIGN_OR_RETURN(const std::string format, json.get_string("format"));
  MILLPOND_ASSIGN_OR_RETURN(options.format, file_format_from_name(format));
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* partition_by, json.get_array("partition_by"));
  MILLPOND_ASSIGN_OR_RETURN(options.partition_by, string_list_from_json(Json(*partition_by)));
  MILLPOND_ASSIGN_OR_RETURN(options.max_rows_per_file, json.get_int("max_rows_per_file"));
  MILLPOND_ASSIGN_OR_RETURN(options.single_file, json.get_bool("single_file"));
  MILLPOND_ASSIGN_OR_RETURN(options.compression, json.get_string("compression"));
  MILLPOND_ASSIGN_OR_RETURN(const Json* copy_options, json.get_object("copy_options"));
  MILLPOND_ASSIGN_OR_RETURN(options.copy_options, string_map_from_json(*copy_options));
  return options;
}

}  // namespace millpond
