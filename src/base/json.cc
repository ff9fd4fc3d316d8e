#include "base/json.h"

#include <cstdlib>
#include <limits>
#include <memory>
#include <new>

#include "yyjson.h"

namespace millpond {
namespace {

constexpr int kMaxDepth = 200;

struct DocumentDeleter {
  void operator()(yyjson_doc* document) const { yyjson_doc_free(document); }
  void operator()(yyjson_mut_doc* document) const { yyjson_mut_doc_free(document); }
};

// yyjson reads documents of any depth without recursion; only this conversion recurses, so the limit is checked here.
Result<Json> from_yyjson(yyjson_val* value, int depth);

Result<Json> array_from_yyjson(yyjson_val* value, int depth) {
  Json::Array items;
  items.reserve(yyjson_arr_size(value));
  yyjson_arr_iter iterator = yyjson_arr_iter_with(value);
  while (yyjson_val* item = yyjson_arr_iter_next(&iterator)) {
    MILLPOND_ASSIGN_OR_RETURN(Json json, from_yyjson(item, depth + 1));
    items.push_back(std::move(json));
  }
  return Json(std::move(items));
}

Result<Json> object_from_yyjson(yyjson_val* value, int depth) {
  Json::Object members;
  members.reserve(yyjson_obj_size(value));
  yyjson_obj_iter iterator = yyjson_obj_iter_with(value);
  while (yyjson_val* key = yyjson_obj_iter_next(&iterator)) {
    MILLPOND_ASSIGN_OR_RETURN(Json json, from_yyjson(yyjson_obj_iter_get_val(key), depth + 1));
    members.emplace_back(std::string(yyjson_get_str(key), yyjson_get_len(key)), std::move(json));
  }
  return Json(std::move(members));
}

Result<Json> from_yyjson(yyjson_val* value, int depth) {
  if (depth >= kMaxDepth && yyjson_is_ctn(value)) {
    return Status::data_corrupt("JSON is nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_BOOL:
      return Json(yyjson_get_bool(value));
    case YYJSON_TYPE_NUM:
      if (yyjson_is_real(value)) return Json(yyjson_get_real(value));
      if (yyjson_is_uint(value) &&
          yyjson_get_uint(value) > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return Status::data_corrupt("JSON number " + std::to_string(yyjson_get_uint(value)) + " does not fit 64 bits");
      }
      return Json(yyjson_get_sint(value));
    case YYJSON_TYPE_STR:
      return Json(std::string(yyjson_get_str(value), yyjson_get_len(value)));
    case YYJSON_TYPE_ARR:
      return array_from_yyjson(value, depth);
    case YYJSON_TYPE_OBJ:
      return object_from_yyjson(value, depth);
    default:
      return Json();
  }
}

// JSON has no NaN and no infinity: they are written as null, which a reader of a number then reports.
yyjson_mut_val* to_yyjson(yyjson_mut_doc* document, const Json& json) {
  if (json.is_bool()) return yyjson_mut_bool(document, json.as_bool());
  if (json.is_int()) return yyjson_mut_sint(document, json.as_int());
  if (json.is_double()) return yyjson_mut_real(document, json.as_double());
  if (json.is_string()) return yyjson_mut_strn(document, json.as_string().data(), json.as_string().size());
  if (json.is_array()) {
    yyjson_mut_val* array = yyjson_mut_arr(document);
    for (const Json& item : json.as_array()) yyjson_mut_arr_append(array, to_yyjson(document, item));
    return array;
  }
  if (json.is_object()) {
    yyjson_mut_val* object = yyjson_mut_obj(document);
    for (const auto& [key, item] : json.as_object()) {
      yyjson_mut_obj_add(object, yyjson_mut_strn(document, key.data(), key.size()), to_yyjson(document, item));
    }
    return object;
  }
  return yyjson_mut_null(document);
}

Status wrong_member(std::string_view key, std::string_view type, bool missing) {
  return Status::data_corrupt("JSON member \"" + std::string(key) + "\" " +
                              (missing ? "is missing" : "is not " + std::string(type)));
}

}  // namespace

Result<Json> Json::parse(std::string_view text) {
  yyjson_read_err error{};
  // Without the in-place flag yyjson copies the text first and never writes to it; its signature is older than const.
  std::unique_ptr<yyjson_doc, DocumentDeleter> document(yyjson_read_opts(
      const_cast<char*>(text.data()), text.size(), YYJSON_READ_ALLOW_INVALID_UNICODE, nullptr, &error));
  if (document == nullptr) {
    return Status::data_corrupt("not JSON at byte " + std::to_string(error.pos) + ": " +
                                (error.msg != nullptr ? error.msg : "unknown error"));
  }
  return from_yyjson(yyjson_doc_get_root(document.get()), 0);
}

std::string Json::dump(int indent) const {
  std::unique_ptr<yyjson_mut_doc, DocumentDeleter> document(yyjson_mut_doc_new(nullptr));
  if (document == nullptr) throw std::bad_alloc();
  yyjson_mut_doc_set_root(document.get(), to_yyjson(document.get(), *this));
  // Names of files may be any bytes; text that is not UTF-8 is passed on as it is rather than lost.
  const yyjson_write_flag flags = YYJSON_WRITE_INF_AND_NAN_AS_NULL | YYJSON_WRITE_ALLOW_INVALID_UNICODE |
                                  (indent > 0 ? YYJSON_WRITE_PRETTY_TWO_SPACES : YYJSON_WRITE_NOFLAG);
  std::size_t size = 0;
  char* text = yyjson_mut_write_opts(document.get(), flags, nullptr, &size, nullptr);
  if (text == nullptr) throw std::bad_alloc();  // With these flags nothing else can fail.
  std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
  return std::string(text, size);
}

const Json* Json::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (const Member& member : as_object()) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

void Json::set(std::string key, Json value) {
  if (!is_object()) value_ = Object{};
  for (Member& member : as_object()) {
    if (member.first == key) {
      member.second = std::move(value);
      return;
    }
  }
  as_object().emplace_back(std::move(key), std::move(value));
}

void Json::push_back(Json item) {
  if (!is_array()) value_ = Array{};
  as_array().push_back(std::move(item));
}

Result<std::string> Json::get_string(std::string_view key) const {
  const Json* member = find(key);
  if (member == nullptr || !member->is_string()) return wrong_member(key, "a string", member == nullptr);
  return member->as_string();
}

Result<std::int64_t> Json::get_int(std::string_view key) const {
  const Json* member = find(key);
  if (member == nullptr || !member->is_int()) return wrong_member(key, "an integer", member == nullptr);
  return member->as_int();
}

Result<double> Json::get_double(std::string_view key) const {
  const Json* member = find(key);
  if (member == nullptr || !(member->is_double() || member->is_int())) {
    return wrong_member(key, "a number", member == nullptr);
  }
  return member->as_double();
}

Result<bool> Json::get_bool(std::string_view key) const {
  const Json* member = find(key);
  if (member == nullptr || !member->is_bool()) return wrong_member(key, "true or false", member == nullptr);
  return member->as_bool();
}

Result<const Json::Array*> Json::get_array(std::string_view key) const {
  const Json* member = find(key);
  if (member == nullptr || !member->is_array()) return wrong_member(key, "an array", member == nullptr);
  return &member->as_array();
}

Result<const Json*> Json::get_object(std::string_view key) const {
  const Json* member = find(key);
  if (member == nullptr || !member->is_object()) return wrong_member(key, "an object", member == nullptr);
  return member;
}

std::string Json::string_or(std::string_view key, std::string fallback) const {
  const Json* member = find(key);
  return member != nullptr && member->is_string() ? member->as_string() : fallback;
}

std::int64_t Json::int_or(std::string_view key, std::int64_t fallback) const {
  const Json* member = find(key);
  return member != nullptr && member->is_int() ? member->as_int() : fallback;
}

bool Json::bool_or(std::string_view key, bool fallback) const {
  const Json* member = find(key);
  return member != nullptr && member->is_bool() ? member->as_bool() : fallback;
}

}  // namespace millpond
