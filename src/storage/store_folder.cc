#include "storage/store_folder.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/uri.h"
#include "storage/data_set_head.h"
#include "storage/parent_path.h"

namespace millpond {
namespace {

// How often another writer may change the head before we give up.
constexpr int kMaxRaces = 100;

// Before the fingerprint of a pending write whose files an overwrite has removed: it may copy more of them before it learns
// of that, so its files stay hidden until it, or clean-up, has taken them back.
const std::string kVoid = "void:";

std::string path_of(const std::string& target, const ManifestFile& file) { return target + "/" + file.name; }

std::vector<std::string> paths_of(const std::string& target, const std::vector<ManifestFile>& files) {
  std::vector<std::string> paths;
  for (const ManifestFile& file : files) paths.push_back(path_of(target, file));
  return paths;
}

template <typename Wanted>
std::vector<OutputManifest> take_out(std::vector<OutputManifest>& writes, const Wanted& is_wanted) {
  std::vector<OutputManifest> taken;
  std::vector<OutputManifest> kept;
  for (OutputManifest& write : writes) (is_wanted(write) ? taken : kept).push_back(std::move(write));
  writes = std::move(kept);
  return taken;
}

// Changes the head by `change`, again whenever another writer was faster.
template <typename Change>
Status change_head(ObjectStore& store, const std::string& target, const Change& change) {
  Status status;
  for (int race = 0; race < kMaxRaces; ++race) {
    MILLPOND_ASSIGN_OR_RETURN(DataSetHead head, read_head(store, target));
    MILLPOND_ASSIGN_OR_RETURN(const bool is_changed, change(head));
    if (!is_changed) return Status::ok();
    status = write_head(store, target, head);
    if (status.code() != StatusCode::kConflict) return status;
  }
  return status;
}

template <typename Wanted>
Status take_back(ObjectStore& store, const std::string& target, const Wanted& is_wanted) {
  MILLPOND_ASSIGN_OR_RETURN(DataSetHead head, read_head(store, target));
  const std::vector<OutputManifest> given_up = take_out(head.pending, is_wanted);
  if (given_up.empty()) return Status::ok();
  // The files go first: they must not come to count when nothing says that they are pending.
  for (const OutputManifest& write : given_up) MILLPOND_RETURN_IF_ERROR(store.remove(paths_of(target, write.files)));
  return change_head(store, target, [&](DataSetHead& now) -> Result<bool> {
    return !take_out(now.pending, is_wanted).empty();
  });
}

Status take_back_write(ObjectStore& store, const std::string& target, const std::string& fingerprint) {
  return take_back(store, target, [&](const OutputManifest& write) {
    return write.fingerprint == fingerprint || write.fingerprint == kVoid + fingerprint;
  });
}

// Removes what an overwrite replaced. An object that came later under such a name stays.
Status remove_replaced(ObjectStore& store, const std::string& target) {
  MILLPOND_ASSIGN_OR_RETURN(const DataSetHead head, read_head(store, target));
  if (head.replaced.empty()) return Status::ok();
  std::map<std::string, ReplacedFile> meant;
  for (const ReplacedFile& one : head.replaced) meant[path_of(target, one.file)] = one;
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, store.list_all(target));
  std::vector<std::string> paths;
  for (const ObjectInfo& object : objects) {
    const auto found = meant.find(object.path);
    if (found != meant.end() && is_same_file(found->second, object)) paths.push_back(object.path);
  }
  MILLPOND_RETURN_IF_ERROR(store.remove(paths));
  return change_head(store, target, [&](DataSetHead& now) -> Result<bool> {
    if (now.replaced != head.replaced) return false;
    now.replaced.clear();
    return true;
  });
}

Result<bool> is_whole(ObjectStore& store, const std::string& target, const OutputManifest& write) {
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, store.list_all(target));
  std::map<std::string, std::int64_t> sizes;
  for (const ObjectInfo& object : objects) sizes[object.path] = object.size;
  return std::all_of(write.files.begin(), write.files.end(), [&](const ManifestFile& file) {
    const auto found = sizes.find(path_of(target, file));
    return found != sizes.end() && found->second == file.num_bytes;
  });
}

// Whether the folder has files that count.
Result<bool> has_data(ObjectStore& store, const std::string& target, const DataSetHead& head) {
  if (!head.writes.empty()) return true;
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, store.list_all(target));
  return std::any_of(objects.begin(), objects.end(), [&](const ObjectInfo& object) {
    return object.path != head_path(target) && !is_hidden_by(head, target, object);
  });
}

// One commit of one write.
class FolderCommit {
 public:
  FolderCommit(ObjectStore& store, const PublishRequest& request)
      : store_(store), request_(request), manifest_{request.fingerprint, request.job_id, {}} {
    for (const StagedFile& staged : request.files) manifest_.files.push_back(staged.file);
  }

  Result<OutputManifest> run() {
    MILLPOND_RETURN_IF_ERROR(check_names());
    Status status = announce();
    if (status.is_ok()) status = copy();
    if (status.is_ok()) status = decide();
    if (!status.is_ok()) {
      // Nothing is known of a decision whose answer was lost: taking back asks the head, and leaves what is done.
      (void)take_back_write(store_, request_.target, request_.fingerprint);
      return status;
    }
    (void)remove_replaced(store_, request_.target);
    return manifest_;
  }

 private:
  Status check_names() const {
    std::set<std::string> names;
    for (const ManifestFile& file : manifest_.files) {
      if (!names.insert(file.name).second) return Status::internal("two written files have the name \"" + file.name + "\"");
    }
    return Status::ok();
  }

  Status check(const DataSetHead& head) const {
    if (request_.mode == PublishMode::kError) {
      MILLPOND_ASSIGN_OR_RETURN(const bool is_taken, has_data(store_, request_.target, head));
      if (is_taken) return exists_already(request_);
    }
    const bool must_be_as_seen = request_.mode == PublishMode::kOverwrite && request_.observed.has_value();
    return must_be_as_seen && request_.observed->tag != state_of(head) ? changed_meanwhile(request_) : Status::ok();
  }

  bool is_mine(const OutputManifest& write) const { return write.fingerprint == request_.fingerprint; }

  Status announce() {
    return change_head(store_, request_.target, [this](DataSetHead& head) -> Result<bool> {
      (void)take_out(head.pending, [this](const OutputManifest& write) { return is_mine(write); });
      head.pending.push_back(manifest_);
      MILLPOND_RETURN_IF_ERROR(check(head));
      return true;
    });
  }

  Status copy() {
    std::vector<ObjectCopy> copies;
    for (const StagedFile& staged : request_.files) {
      copies.push_back({staged.path, path_of(request_.target, staged.file), staged.file.num_bytes});
    }
    return store_.copy(copies, "");
  }

  Status decide() {
    return change_head(store_, request_.target, [this](DataSetHead& head) -> Result<bool> {
      const bool is_pending = find_write(head.pending, request_.fingerprint) != head.pending.end();
      const bool is_done = find_write(head.writes, request_.fingerprint) != head.writes.end();
      if (is_done && !is_pending) return false;  // It was decided, and the answer lost.
      MILLPOND_RETURN_IF_ERROR(check(head));  // While our files are pending: they must not count.
      const auto announced = take_out(head.pending, [this](const OutputManifest& write) { return is_mine(write); });
      if (announced.empty()) return changed_meanwhile(request_);  // Another writer has removed our files.
      (void)take_out(head.writes, [this](const OutputManifest& write) { return is_mine(write); });
      if (request_.mode == PublishMode::kOverwrite) MILLPOND_RETURN_IF_ERROR(replace_all(head));
      head.writes.push_back(manifest_);
      return true;
    });
  }

  Status replace_all(DataSetHead& head) {
    std::set<std::string> kept = {head_path(request_.target)};
    for (const ManifestFile& file : manifest_.files) kept.insert(path_of(request_.target, file));
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, store_.list_all(request_.target));
    head.writes.clear();
    for (OutputManifest& other : head.pending) {
      if (!other.fingerprint.starts_with(kVoid)) other.fingerprint.insert(0, kVoid);
    }
    head.replaced.clear();
    for (const ObjectInfo& object : objects) {
      if (kept.contains(object.path)) continue;
      head.replaced.push_back(as_replaced(request_.target, object));
    }
    return Status::ok();
  }

  ObjectStore& store_;
  const PublishRequest& request_;
  OutputManifest manifest_;
};

}  // namespace

Result<std::optional<OutputManifest>> check_store_folder(ObjectStore& store, const PublishRequest& request) {
  const std::string& target = request.target;
  if (store_root_length(target) == target.size()) {
    return Status::invalid_argument("\"" + target + "\" is a whole bucket", "Write to a folder in it: \"" + target + "/name\".");
  }
  const Result<ObjectVersion> object = store.version_of(target);
  if (object.is_ok()) {
    return Status::invalid_argument("\"" + target + "\" is a file, not a folder", "Choose another path, or remove it first.");
  }
  if (object.status().code() != StatusCode::kNotFound) return object.status();
  MILLPOND_ASSIGN_OR_RETURN(const DataSetHead head, read_head(store, target));
  if (const auto done = find_write(head.writes, request.fingerprint); done != head.writes.end()) {
    MILLPOND_ASSIGN_OR_RETURN(const bool is_there, is_whole(store, target, *done));
    if (is_there) {
      (void)remove_replaced(store, target);  // A kill may have come before it.
      return std::optional<OutputManifest>(*done);
    }
  }
  MILLPOND_ASSIGN_OR_RETURN(const bool is_taken, has_data(store, target, head));
  if (is_taken && request.mode == PublishMode::kError) return exists_already(request);
  return std::optional<OutputManifest>();
}

Result<TargetState> begin_store_folder(ObjectStore& store, const std::string& target, const std::string& fingerprint) {
  MILLPOND_RETURN_IF_ERROR(take_back_write(store, target, fingerprint));
  MILLPOND_ASSIGN_OR_RETURN(const DataSetHead head, read_head(store, target));
  TargetState state;
  state.exists = !head.tag.empty();
  state.tag = state_of(head);
  return state;
}

Result<OutputManifest> publish_store_folder(ObjectStore& store, const PublishRequest& request) {
  return FolderCommit(store, request).run();
}

Status take_back_from_store_folder(ObjectStore& store, const std::string& target, const std::string& job_id) {
  return take_back(store, target, [&](const OutputManifest& write) { return write.job_id == job_id; });
}

}  // namespace millpond
