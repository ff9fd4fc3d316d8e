#include "data/schema.h"

#include <optional>
#include <utility>

#include "base/edit_distance.h"

namespace millpond {
namespace {

// A message stays readable for a table of thousands of columns.
constexpr std::size_t kShownColumns = 20;

std::string candidates(const Schema& schema) {
  std::string text;
  for (std::size_t i = 0; i < schema.size() && i < kShownColumns; ++i) {
    if (i > 0) text += ", ";
    text += '"' + schema[i].name + '"';
  }
  if (schema.size() > kShownColumns) text += " and " + std::to_string(schema.size() - kShownColumns) + " more";
  return text;
}

}  // namespace

// DuckDB folds ASCII letters only when it compares names.
bool same_column_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    if (fold(a[i]) != fold(b[i])) return false;
  }
  return true;
}

int find_column(const Schema& schema, std::string_view name) {
  for (std::size_t i = 0; i < schema.size(); ++i) {
    if (same_column_name(schema[i].name, name)) return static_cast<int>(i);
  }
  return -1;
}

Status no_such_column(const Schema& schema, std::string_view name) {
  std::vector<std::string> names;
  names.reserve(schema.size());
  for (const Column& column : schema) names.push_back(column.name);
  const std::optional<std::string> nearest = nearest_name(name, names);

  std::string hint;
  if (nearest.has_value()) hint = "Did you mean \"" + *nearest + "\"? ";
  hint += schema.empty() ? "There are no columns." : "The columns are " + candidates(schema) + ".";
  return Status::invalid_argument("there is no column \"" + std::string(name) + "\"", std::move(hint));
}

Json schema_to_json(const Schema& schema) {
  Json::Array columns;
  columns.reserve(schema.size());
  for (const Column& column : schema) {
    columns.push_back(Json::object({{"name", column.name}, {"type", column.type}}));
  }
  return Json(std::move(columns));
}

Result<Schema> schema_from_json(const Json& json) {
  if (!json.is_array()) return Status::data_corrupt("a schema in JSON is not an array of columns");
  Schema schema;
  schema.reserve(json.as_array().size());
  for (const Json& item : json.as_array()) {
    MILLPOND_ASSIGN_OR_RETURN(std::string name, item.get_string("name"));
    MILLPOND_ASSIGN_OR_RETURN(std::string type, item.get_string("type"));
    schema.push_back(Column{std::move(name), std::move(type)});
  }
  return schema;
}

std::string schema_to_string(const Schema& schema) {
  std::string text;
  for (const Column& column : schema) {
    if (!text.empty()) text += ", ";
    text += column.name + " " + column.type;
  }
  return text;
}

}  // namespace millpond
