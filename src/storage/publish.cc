#include "storage/publish.h"

#include <utility>

#include "storage/append.h"
#include "storage/file_content.h"
#include "storage/parent_path.h"
#include "storage/stage_output.h"
#include "storage/store_folder.h"
#include "storage/store_object.h"

namespace millpond {
namespace {

// How often a target may come or go between a look at it and the rename before we give up.
constexpr int kMaxRaces = 16;
// Hex digits of the fingerprint in a manifest's name.
constexpr std::size_t kManifestIdSize = 16;

}  // namespace

Status exists_already(const PublishRequest& request) {
  ErrorContext context;
  context.file = request.target;
  return Status::already_exists("\"" + request.target + "\" exists already",
                                "Choose another path, or mode=\"overwrite\" to replace it" +
                                    std::string(request.single_file ? "." : ", or mode=\"append\" to add to it."))
      .with_context(context);
}

Status changed_meanwhile(const PublishRequest& request) {
  ErrorContext context;
  context.file = request.target;
  return Status(StatusCode::kConflict, "another writer changed \"" + request.target + "\" while this job ran",
                "Its data was left as it is. Run again to replace it.")
      .with_context(context);
}

namespace {

// A single file's manifest follows the file. After a kill between the two it still lies in the staging folder.
Result<std::optional<OutputManifest>> finish_single_file(FileSystem& files, const PublishRequest& request) {
  MILLPOND_ASSIGN_OR_RETURN(std::optional<OutputManifest> manifest, read_pending_manifest(files, request.staging));
  if (!manifest.has_value() || manifest->fingerprint != request.fingerprint || manifest->files.size() != 1) {
    return std::optional<OutputManifest>();
  }
  const ManifestFile& file = manifest->files[0];
  const Result<FileInfo> info = files.stat(request.target);
  if (info.status().code() == StatusCode::kNotFound) return std::optional<OutputManifest>();
  if (!info.is_ok()) return info.status();
  if (info->is_directory || info->size != file.num_bytes) return std::optional<OutputManifest>();
  MILLPOND_ASSIGN_OR_RETURN(const std::string digest, file_digest(files, request.target));
  if (digest != file.digest) return std::optional<OutputManifest>();
  const std::string path = manifest_path(request.target, request.fingerprint, true);
  MILLPOND_RETURN_IF_ERROR(files.rename_replace(pending_manifest_path(request.staging), path));
  MILLPOND_RETURN_IF_ERROR(files.sync_directory(parent_path(path)));
  return manifest;
}

// Manifests of what the single file was before.
Status remove_old_manifests(FileSystem& files, const PublishRequest& request) {
  const std::string current = manifest_path(request.target, request.fingerprint, true);
  const std::string suffix = ".json";
  const std::string prefix = current.substr(0, current.size() - suffix.size() - kManifestIdSize);
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<FileInfo> entries, files.list(parent_path(request.target)));
  for (const FileInfo& entry : entries) {
    const bool is_manifest = entry.path.size() == current.size() && entry.path.compare(0, prefix.size(), prefix) == 0 &&
                             entry.path.ends_with(suffix);
    if (is_manifest && entry.path != current) MILLPOND_RETURN_IF_ERROR(files.remove_file(entry.path));
  }
  return Status::ok();
}

Result<std::optional<OutputManifest>> find_done(FileSystem& files, const PublishRequest& request) {
  MILLPOND_ASSIGN_OR_RETURN(std::optional<OutputManifest> manifest,
                            find_published(files, request.target, request.fingerprint, request.single_file));
  if (!manifest.has_value() && request.single_file) {
    MILLPOND_ASSIGN_OR_RETURN(manifest, finish_single_file(files, request));
  }
  // It may have been put in place a moment before a kill: what is reported as done must survive a power cut too.
  if (manifest.has_value()) MILLPOND_RETURN_IF_ERROR(files.sync_directory(parent_path(request.target)));
  return manifest;
}

Result<bool> is_empty_folder(FileSystem& files, const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(const FileInfo info, files.stat(path));
  if (!info.is_directory) return false;
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<FileInfo> entries, files.list(path));
  return entries.empty();
}

// One rename to a name that must be free; an empty folder is replaced, in one step too.
Status place_new(FileSystem& files, const PublishRequest& request) {
  const std::string output = staged_target(request);
  const Status status = files.rename_no_replace(output, request.target);
  if (status.code() != StatusCode::kAlreadyExists || request.single_file) return status;
  MILLPOND_ASSIGN_OR_RETURN(const bool is_empty, is_empty_folder(files, request.target));
  return is_empty ? files.rename_replace(output, request.target) : status;
}

// For stores that can't swap.
Status replace_by_renames(FileSystem& files, const PublishRequest& request) {
  const std::string old = replaced_output(request.staging);
  MILLPOND_RETURN_IF_ERROR(files.remove_tree(old));
  MILLPOND_RETURN_IF_ERROR(files.rename_no_replace(request.target, old));
  const Status status = files.rename_no_replace(staged_target(request), request.target);
  if (!status.is_ok()) (void)files.rename_no_replace(old, request.target);
  return status;
}

// Swaps, and takes the swap back when what came out is not what had been seen: then another writer was faster.
Status swap_in(FileSystem& files, const PublishRequest& request) {
  const std::string output = staged_target(request);
  const Status status = files.exchange(output, request.target);
  if (status.code() == StatusCode::kUnsupported) return replace_by_renames(files, request);
  MILLPOND_RETURN_IF_ERROR(status);
  if (!request.observed.has_value()) return Status::ok();
  const Result<FileInfo> old = files.stat(output);
  if (!old.is_ok()) return old.status();
  if (old->file_id == request.observed->file_id) return Status::ok();
  MILLPOND_RETURN_IF_ERROR(files.exchange(output, request.target));
  return changed_meanwhile(request);
}

bool is_as_observed(const PublishRequest& request, const TargetState& now) {
  if (!request.observed.has_value()) return true;
  const TargetState& then = *request.observed;
  return then.exists == now.exists && (!now.exists || (then.file_id == now.file_id && then.mtime_ns == now.mtime_ns));
}

Status overwrite(FileSystem& files, const PublishRequest& request) {
  for (int race = 0; race < kMaxRaces; ++race) {
    MILLPOND_ASSIGN_OR_RETURN(const TargetState now, observe_target(files, request.target));
    if (!is_as_observed(request, now)) return changed_meanwhile(request);
    const Status status = now.exists ? swap_in(files, request) : place_new(files, request);
    const bool changed = status.code() == (now.exists ? StatusCode::kNotFound : StatusCode::kAlreadyExists);
    if (!changed || files.stat(staged_target(request)).status().code() == StatusCode::kNotFound) return status;
  }
  return changed_meanwhile(request);
}

Status append(FileSystem& files, const PublishRequest& request, const OutputManifest& manifest) {
  MILLPOND_ASSIGN_OR_RETURN(const TargetState now, observe_target(files, request.target));
  if (!now.exists) {
    const Status status = place_new(files, request);
    if (status.code() != StatusCode::kAlreadyExists) return status;
  }
  return append_output(files, request.target, request.staging, manifest);
}

Status put_in_place(FileSystem& files, const PublishRequest& request, const OutputManifest& manifest) {
  if (request.mode == PublishMode::kAppend) return append(files, request, manifest);
  if (request.mode == PublishMode::kOverwrite) return overwrite(files, request);
  const Status status = place_new(files, request);
  return status.code() == StatusCode::kAlreadyExists ? exists_already(request) : status;
}

Result<OutputManifest> stage_and_place(FileSystem& files, const PublishRequest& request) {
  if (ObjectStore* store = files.store_of(request.target)) {
    return request.single_file ? publish_store_object(*store, request) : publish_store_folder(*store, request);
  }
  MILLPOND_ASSIGN_OR_RETURN(OutputManifest manifest, stage_output(files, request));
  MILLPOND_RETURN_IF_ERROR(put_in_place(files, request, manifest));
  MILLPOND_RETURN_IF_ERROR(files.sync_directory(parent_path(request.target)));
  if (!request.single_file) return manifest;
  MILLPOND_ASSIGN_OR_RETURN(const std::optional<OutputManifest> done, finish_single_file(files, request));
  if (!done.has_value()) return changed_meanwhile(request);
  if (request.mode == PublishMode::kOverwrite) (void)remove_old_manifests(files, request);  // Only for tidiness.
  return manifest;
}

}  // namespace

Result<TargetState> observe_target(FileSystem& files, const std::string& target) {
  const Result<FileInfo> info = files.stat(target);
  if (info.status().code() == StatusCode::kNotFound) return TargetState{};
  if (!info.is_ok()) return info.status();
  return TargetState{true, info->file_id, info->mtime_ns, {}};
}

Result<std::optional<OutputManifest>> check_target(FileSystem& files, const PublishRequest& given) {
  PublishRequest request = given;
  request.target = trimmed_path(given.target);
  if (request.single_file && request.mode == PublishMode::kAppend) {
    return Status::invalid_argument("one file can't be appended to: \"" + request.target + "\"",
                                    "Write a folder to append to it.");
  }
  if (ObjectStore* store = files.store_of(request.target)) {
    return request.single_file ? check_store_object(*store, request) : check_store_folder(*store, request);
  }
  MILLPOND_ASSIGN_OR_RETURN(std::optional<OutputManifest> done, find_done(files, request));
  if (done.has_value()) return done;
  const Result<FileInfo> info = files.stat(request.target);
  if (info.status().code() == StatusCode::kNotFound) return done;
  if (!info.is_ok()) return info.status();
  if (request.mode == PublishMode::kError) {
    if (request.single_file || !info->is_directory) return exists_already(request);
    MILLPOND_ASSIGN_OR_RETURN(const bool is_empty, is_empty_folder(files, request.target));
    if (!is_empty) return exists_already(request);
  }
  const bool wants_folder = !request.single_file;
  if (info->is_directory != wants_folder) {
    return Status::invalid_argument(
        "\"" + request.target + "\" is " + (wants_folder ? "a file, not a folder" : "a folder, not a file"),
        "Choose another path, or remove it first.");
  }
  return done;
}

Result<OutputManifest> publish(FileSystem& files, const PublishRequest& given) {
  PublishRequest request = given;
  request.target = trimmed_path(given.target);
  Result<std::optional<OutputManifest>> done = check_target(files, request);
  Result<OutputManifest> manifest = Status::internal("nothing was published");
  if (!done.is_ok()) {
    manifest = done.status();
  } else if (done->has_value()) {
    manifest = std::move(**done);
  } else {
    manifest = stage_and_place(files, request);
  }
  const StatusCode code = manifest.status().code();
  const bool is_over = code == StatusCode::kOk || code == StatusCode::kAlreadyExists || code == StatusCode::kConflict;
  if (is_over) (void)files.remove_tree(request.staging);
  return manifest;
}

}  // namespace millpond
