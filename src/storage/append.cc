#include "storage/append.h"

#include <optional>
#include <set>
#include <utility>

#include "storage/file_content.h"
#include "storage/parent_path.h"
#include "storage/staging.h"

namespace millpond {
namespace {

Result<bool> is_whole(FileSystem& files, const std::string& path, const ManifestFile& file) {
  const Result<FileInfo> info = files.stat(path);
  if (info.status().code() == StatusCode::kNotFound) return false;
  if (!info.is_ok()) return info.status();
  return !info->is_directory && info->size == file.num_bytes;
}

// Moves one file back. One that is still staged was never moved: what has its name in the target is another's.
Status take_back_file(FileSystem& files, const std::string& from, const std::string& back, const ManifestFile& file) {
  const Result<FileInfo> staged = files.stat(back);
  if (staged.is_ok()) return Status::ok();
  if (staged.status().code() != StatusCode::kNotFound) return staged.status();
  MILLPOND_ASSIGN_OR_RETURN(const bool was_moved, is_whole(files, from, file));
  if (!was_moved) return Status::ok();
  // The folder is mostly still there: then a full disk is no hindrance.
  const Status moved = files.rename_no_replace(from, back);
  if (moved.code() != StatusCode::kNotFound) return moved;
  MILLPOND_RETURN_IF_ERROR(files.make_directories(parent_path(back), 0700));
  return files.rename_no_replace(from, back);
}

Status move_in(FileSystem& files, const std::string& target, const std::string& staging, const ManifestFile& file) {
  const std::string from = staged_output(staging) + "/" + file.name;
  const std::string to = target + "/" + file.name;
  MILLPOND_RETURN_IF_ERROR(files.make_directories(parent_path(to), 0777));
  const Status status = files.rename_no_replace(from, to);
  if (status.code() == StatusCode::kAlreadyExists) {
    return Status(StatusCode::kConflict, "\"" + to + "\" exists already, so it can't be appended",
                  "Another writer uses the same names.")
        .with_context(status.context());
  }
  if (status.code() != StatusCode::kNotFound) return status;
  MILLPOND_ASSIGN_OR_RETURN(const bool was_moved, is_whole(files, to, file));  // Before a kill.
  return was_moved ? Status::ok() : status;
}

Status move_all(FileSystem& files, const std::string& target, const std::string& staging,
                const OutputManifest& manifest) {
  std::set<std::string> folders = {target};
  for (const ManifestFile& file : manifest.files) {
    MILLPOND_RETURN_IF_ERROR(move_in(files, target, staging, file));
    for (std::string folder = parent_path(target + "/" + file.name); folder.size() > target.size();
         folder = parent_path(folder)) {
      folders.insert(folder);
    }
  }
  // Children before parents: a folder's name is worth nothing without what is in it.
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
    MILLPOND_RETURN_IF_ERROR(files.sync_directory(*folder));
  }
  const std::string path = manifest_path(target, manifest.fingerprint, false);
  MILLPOND_RETURN_IF_ERROR(files.rename_replace(staged_output(staging) + "/" + base_name(path), path));
  return files.sync_directory(target);
}

}  // namespace

std::string pending_manifest_path(const std::string& staging) { return staging + "/manifest.json"; }

std::string replaced_output(const std::string& staging) { return staging + "/replaced"; }

Result<std::optional<OutputManifest>> read_pending_manifest(FileSystem& files, const std::string& staging) {
  const std::optional<OutputManifest> none;
  const Result<std::string> text = read_file(files, pending_manifest_path(staging));
  if (text.status().code() == StatusCode::kNotFound) return none;
  if (!text.is_ok()) return text.status();
  const Result<Json> json = Json::parse(*text);
  if (!json.is_ok()) return none;
  Result<OutputManifest> manifest = manifest_from_json(*json);
  if (!manifest.is_ok()) return none;
  return std::optional<OutputManifest>(std::move(*manifest));
}

Status append_output(FileSystem& files, const std::string& target, const std::string& staging,
                     const OutputManifest& manifest) {
  MILLPOND_RETURN_IF_ERROR(write_file(files, pending_manifest_path(staging), manifest_to_json(manifest).dump(2)));
  MILLPOND_RETURN_IF_ERROR(files.sync_directory(staging));
  MILLPOND_RETURN_IF_ERROR(files.sync_directory(parent_path(staging)));
  const Status status = move_all(files, target, staging, manifest);
  // When this fails too, the note stays for the next run or for clean-up.
  if (!status.is_ok()) (void)take_back_append(files, target, staging);
  return status;
}

Status take_back_append(FileSystem& files, const std::string& target, const std::string& staging) {
  const Result<std::optional<OutputManifest>> manifest = read_pending_manifest(files, staging);
  if (!manifest.is_ok()) return manifest.status();
  if (!manifest->has_value()) return Status::ok();
  const Result<FileInfo> done = files.stat(manifest_path(target, (*manifest)->fingerprint, false));
  if (done.is_ok()) return Status::ok();
  if (done.status().code() != StatusCode::kNotFound) return done.status();
  for (const ManifestFile& file : (*manifest)->files) {
    MILLPOND_RETURN_IF_ERROR(
        take_back_file(files, target + "/" + file.name, staged_output(staging) + "/" + file.name, file));
  }
  return Status::ok();
}

}  // namespace millpond
