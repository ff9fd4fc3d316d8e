#include "storage/store_object.h"

#include <cstdlib>
#include <utility>

#include "base/json.h"
#include "storage/parent_path.h"

namespace millpond {
namespace {

std::string lock_path(const std::string& target) {
  return parent_path(target) + "/." + base_name(target).substr(0, 200) + ".millpond-lock.json";
}

// The mark of a copy: the write and its rows, which nothing else keeps.
std::string mark_of(const PublishRequest& request) {
  return request.fingerprint + "/" + std::to_string(request.files.front().file.num_rows);
}

Result<std::optional<ObjectVersion>> find_object(ObjectStore& store, const std::string& path) {
  Result<ObjectVersion> version = store.version_of(path);
  if (version.status().code() == StatusCode::kNotFound) return std::optional<ObjectVersion>();
  if (!version.is_ok()) return version.status();
  return std::optional<ObjectVersion>(std::move(*version));
}

// The manifest of what this very write has put in place.
std::optional<OutputManifest> done_by(const PublishRequest& request, const std::optional<ObjectVersion>& object) {
  if (!object || !object->mark.starts_with(request.fingerprint + "/")) return {};
  const std::int64_t rows = std::strtoll(object->mark.c_str() + request.fingerprint.size() + 1, nullptr, 10);
  return OutputManifest{request.fingerprint, request.job_id, {{base_name(request.target), rows, object->size, object->tag}}};
}

Status check(const PublishRequest& request, const std::optional<ObjectVersion>& object) {
  if (request.mode == PublishMode::kError) return object ? exists_already(request) : Status::ok();
  if (!request.observed) return Status::ok();
  const bool is_same = request.observed->exists == object.has_value() && (!object || request.observed->tag == object->tag);
  return is_same ? Status::ok() : changed_meanwhile(request);
}

// Takes the lock; one that this very write left is its own.
Status lock(ObjectStore& store, const PublishRequest& request) {
  const std::string path = lock_path(request.target);
  const Json content = Json::object({{"version", 1}, {"fingerprint", request.fingerprint}, {"job_id", request.job_id}});
  const Status status = store.put_if(path, content.dump() + "\n", "");
  if (status.code() != StatusCode::kConflict) return status;
  const Result<TaggedObject> held = store.get(path);
  if (held.status().code() == StatusCode::kNotFound) return changed_meanwhile(request);
  if (!held.is_ok()) return held.status();
  const Result<Json> holder = Json::parse(held->content);
  if (holder.is_ok() && holder->string_or("fingerprint", "") == request.fingerprint) return Status::ok();
  const std::string job = holder.is_ok() ? holder->string_or("job_id", "?") : "?";
  return Status(StatusCode::kConflict, "job \"" + job + "\" is writing \"" + request.target + "\"",
                "Wait for it. If it is dead, run it again, or remove it with `millpond clean`.");
}

// Removes the lock if this write has it.
Status unlock(ObjectStore& store, const PublishRequest& request) {
  const Result<TaggedObject> held = store.get(lock_path(request.target));
  if (held.status().code() == StatusCode::kNotFound) return Status::ok();
  if (!held.is_ok()) return held.status();
  const Result<Json> holder = Json::parse(held->content);
  const bool is_ours = holder.is_ok() && holder->string_or("fingerprint", "") == request.fingerprint;
  return is_ours ? store.remove({lock_path(request.target)}) : Status::ok();
}

}  // namespace

Result<std::optional<OutputManifest>> check_store_object(ObjectStore& store, const PublishRequest& request) {
  const std::string& target = request.target;
  if (store_root_length(target) == target.size()) {
    return Status::invalid_argument("\"" + target + "\" is a whole bucket", "Write to an object in it: \"" + target + "/name\".");
  }
  MILLPOND_ASSIGN_OR_RETURN(const std::optional<ObjectVersion> object, find_object(store, target));
  if (auto done = done_by(request, object)) {
    MILLPOND_RETURN_IF_ERROR(unlock(store, request));  // A kill may have come before it.
    return done;
  }
  if (object && request.mode == PublishMode::kError) return exists_already(request);
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> below, store.list_all(target));
  if (!object && !below.empty()) {
    return Status::invalid_argument("\"" + target + "\" is a folder, not a file", "Choose another path, or remove it first.");
  }
  return std::optional<OutputManifest>();
}

Result<TargetState> observe_store_object(ObjectStore& store, const std::string& target) {
  MILLPOND_ASSIGN_OR_RETURN(const std::optional<ObjectVersion> object, find_object(store, target));
  TargetState state;
  state.exists = object.has_value();
  if (object) state.tag = object->tag;
  return state;
}

Result<OutputManifest> publish_store_object(ObjectStore& store, const PublishRequest& request) {
  if (request.files.size() != 1) {
    return Status::internal("a single file was to be published from " + std::to_string(request.files.size()) + " files");
  }
  MILLPOND_RETURN_IF_ERROR(lock(store, request));
  const auto put_in_place = [&]() -> Result<OutputManifest> {
    MILLPOND_ASSIGN_OR_RETURN(const std::optional<ObjectVersion> before, find_object(store, request.target));
    if (auto done = done_by(request, before)) return std::move(*done);
    MILLPOND_RETURN_IF_ERROR(check(request, before));
    const StagedFile& staged = request.files.front();
    MILLPOND_RETURN_IF_ERROR(store.copy({{staged.path, request.target, staged.file.num_bytes}}, mark_of(request)));
    MILLPOND_ASSIGN_OR_RETURN(const std::optional<ObjectVersion> after, find_object(store, request.target));
    if (auto done = done_by(request, after)) return std::move(*done);
    return changed_meanwhile(request);
  };
  Result<OutputManifest> manifest = put_in_place();
  const Status unlocked = store.remove({lock_path(request.target)});
  if (manifest.is_ok() && !unlocked.is_ok()) return unlocked;  // Later writers would wait for us.
  return manifest;
}

Status unlock_store_object(ObjectStore& store, const std::string& target, const std::string& job_id) {
  const Result<TaggedObject> held = store.get(lock_path(target));
  if (held.status().code() == StatusCode::kNotFound) return Status::ok();
  if (!held.is_ok()) return held.status();
  const Result<Json> holder = Json::parse(held->content);
  return holder.is_ok() && holder->string_or("job_id", "") == job_id ? store.remove({lock_path(target)}) : Status::ok();
}

}  // namespace millpond
