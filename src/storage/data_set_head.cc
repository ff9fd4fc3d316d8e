#include "storage/data_set_head.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/json.h"

namespace millpond {
namespace {

constexpr std::int64_t kHeadVersion = 1;

Json to_json(const std::vector<OutputManifest>& writes) {
  Json::Array items;
  for (const OutputManifest& write : writes) items.push_back(manifest_to_json(write));
  return Json(std::move(items));
}

Result<std::vector<OutputManifest>> writes_from_json(const Json& json, const std::string& name) {
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* items, json.get_array(name));
  std::vector<OutputManifest> writes;
  for (const Json& item : *items) {
    MILLPOND_ASSIGN_OR_RETURN(OutputManifest write, manifest_from_json(item));
    writes.push_back(std::move(write));
  }
  return writes;
}

// As a write of nobody, with the tags beside what every manifest tells: older versions pass over them.
Json to_json(const std::vector<ReplacedFile>& replaced) {
  Json::Array files;
  for (const ReplacedFile& one : replaced) {
    files.push_back(Json::object({{"name", one.file.name},
                                  {"num_rows", one.file.num_rows},
                                  {"num_bytes", one.file.num_bytes},
                                  {"digest", one.file.digest},
                                  {"tag", one.tag}}));
  }
  Json::Array writes;
  if (!replaced.empty()) {
    writes.push_back(Json::object(
        {{"version", kManifestVersion}, {"fingerprint", ""}, {"job_id", ""}, {"files", Json(std::move(files))}}));
  }
  return Json(std::move(writes));
}

Result<std::vector<ReplacedFile>> replaced_from_json(const Json& json) {
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* items, json.get_array("replaced"));
  std::vector<ReplacedFile> replaced;
  for (const Json& item : *items) {
    MILLPOND_ASSIGN_OR_RETURN(OutputManifest write, manifest_from_json(item));
    MILLPOND_ASSIGN_OR_RETURN(const Json::Array* files, item.get_array("files"));
    for (std::size_t i = 0; i < write.files.size(); ++i) {
      replaced.push_back({std::move(write.files[i]), (*files)[i].string_or("tag", "")});
    }
  }
  return replaced;
}

Result<DataSetHead> head_from_json(const Json& json) {
  MILLPOND_ASSIGN_OR_RETURN(const std::int64_t version, json.get_int("version"));
  if (version != kHeadVersion) {
    return Status::unsupported("it has format version " + std::to_string(version) + ", this millpond reads version " +
                               std::to_string(kHeadVersion));
  }
  DataSetHead head;
  MILLPOND_ASSIGN_OR_RETURN(head.writes, writes_from_json(json, "writes"));
  MILLPOND_ASSIGN_OR_RETURN(head.pending, writes_from_json(json, "pending"));
  MILLPOND_ASSIGN_OR_RETURN(head.replaced, replaced_from_json(json));
  return head;
}

bool names(const OutputManifest& write, std::string_view name) {
  return std::any_of(write.files.begin(), write.files.end(), [&](const ManifestFile& file) { return file.name == name; });
}

}  // namespace

std::string head_path(const std::string& target) { return target + "/" + std::string(kHeadName); }

Result<DataSetHead> read_head(ObjectStore& store, const std::string& target) {
  Result<TaggedObject> object = store.get(head_path(target));
  if (object.status().code() == StatusCode::kNotFound) return DataSetHead{};
  if (!object.is_ok()) return object.status();
  const Result<Json> json = Json::parse(object->content);
  Result<DataSetHead> head = json.is_ok() ? head_from_json(*json) : Result<DataSetHead>(json.status());
  if (!head.is_ok()) {
    ErrorContext context;
    context.file = head_path(target);
    const bool is_newer = head.status().code() == StatusCode::kUnsupported;
    return Status(is_newer ? StatusCode::kUnsupported : StatusCode::kDataCorrupt,
                  "\"" + head_path(target) + "\", which says what the folder consists of, can't be read: " + head.status().message(),
                  "Use a newer millpond, or remove that object: then every file of the folder counts.")
        .with_context(context);
  }
  head->tag = std::move(object->tag);
  return head;
}

Status write_head(ObjectStore& store, const std::string& target, const DataSetHead& head) {
  const Json json = Json::object({{"version", kHeadVersion},
                                  {"writes", to_json(head.writes)},
                                  {"pending", to_json(head.pending)},
                                  {"replaced", to_json(head.replaced)}});
  return store.put_if(head_path(target), json.dump(2) + "\n", head.tag);
}

ReplacedFile as_replaced(const std::string& target, const ObjectInfo& object) {
  return {{object.path.substr(target.size() + 1), 0, object.size, std::to_string(object.mtime_ns)}, object.tag};
}

bool is_same_file(const ReplacedFile& replaced, const ObjectInfo& object) {
  const bool has_other_tag = !replaced.tag.empty() && !object.tag.empty() && replaced.tag != object.tag;
  return replaced.file.num_bytes == object.size && replaced.file.digest == std::to_string(object.mtime_ns) && !has_other_tag;
}

std::string state_of(const DataSetHead& head) {
  std::string text;
  for (const OutputManifest& write : head.writes) text += write.fingerprint + "\n";
  return xxh3_128_hex(text);
}

std::vector<OutputManifest>::const_iterator find_write(const std::vector<OutputManifest>& writes,
                                                       const std::string& fingerprint) {
  return std::find_if(writes.begin(), writes.end(),
                      [&](const OutputManifest& write) { return write.fingerprint == fingerprint; });
}

bool is_hidden_by(const DataSetHead& head, const std::string& target, const ObjectInfo& object) {
  if (!object.path.starts_with(target + "/")) return false;
  const std::string_view name = std::string_view(object.path).substr(target.size() + 1);
  return std::any_of(head.replaced.begin(), head.replaced.end(),
                     [&](const ReplacedFile& one) { return one.file.name == name && is_same_file(one, object); }) ||
         std::any_of(head.pending.begin(), head.pending.end(),
                     [&](const OutputManifest& write) { return names(write, name); });
}

}  // namespace millpond
