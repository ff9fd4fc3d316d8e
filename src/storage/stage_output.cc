#include "storage/stage_output.h"

#include <set>
#include <utility>

#include "storage/append.h"
#include "storage/file_content.h"
#include "storage/parent_path.h"

namespace millpond {
namespace {

Status check_size(const FileInfo& info, const ManifestFile& file) {
  if (!info.is_directory && info.size == file.num_bytes) return Status::ok();
  ErrorContext context;
  context.file = info.path;
  return Status::data_corrupt("\"" + info.path + "\" has " + std::to_string(info.size) + " bytes, not the " +
                                  std::to_string(file.num_bytes) + " that were written",
                              "Run the job again: it is then written anew.")
      .with_context(context);
}

// Moves one file to `to`, unless an earlier try has.
Status stage_file(FileSystem& files, const std::string& from, const std::string& to, const ManifestFile& file) {
  const Result<FileInfo> source = files.stat(from);
  if (source.status().code() == StatusCode::kNotFound) {
    const Result<FileInfo> moved = files.stat(to);
    if (moved.is_ok()) return check_size(*moved, file);
    if (moved.status().code() != StatusCode::kNotFound) return moved.status();
    return Status::data_corrupt("the written file \"" + from + "\" is gone", "Run the job again.")
        .with_context({{}, {}, {}, from, {}});
  }
  if (!source.is_ok()) return source.status();
  MILLPOND_RETURN_IF_ERROR(check_size(*source, file));
  MILLPOND_RETURN_IF_ERROR(files.apply_default_mode(from));
  MILLPOND_RETURN_IF_ERROR(sync_file(files, from));
  MILLPOND_RETURN_IF_ERROR(files.make_directories(parent_path(to), 0777));
  // A file of this name from an earlier run of the same write is older.
  return files.rename_replace(from, to);
}

// Removes what an earlier try with other files left, so that no row is published twice.
Status remove_others(FileSystem& files, const std::string& folder, const std::set<std::string>& wanted) {
  const Result<std::vector<FileInfo>> entries = files.list(folder);
  if (entries.status().code() == StatusCode::kNotFound) return Status::ok();
  if (!entries.is_ok()) return entries.status();
  for (const FileInfo& entry : *entries) {
    if (entry.is_directory) {
      const auto first = wanted.lower_bound(entry.path + "/");
      const bool is_wanted = first != wanted.end() && first->compare(0, entry.path.size() + 1, entry.path + "/") == 0;
      MILLPOND_RETURN_IF_ERROR(is_wanted ? remove_others(files, entry.path, wanted) : files.remove_tree(entry.path));
    } else if (!wanted.contains(entry.path)) {
      MILLPOND_RETURN_IF_ERROR(files.remove_file(entry.path));
    }
  }
  return Status::ok();
}

Status sync_folders(FileSystem& files, const std::string& output, const std::set<std::string>& paths) {
  std::set<std::string> folders = {output};
  for (const std::string& path : paths) {
    for (std::string folder = parent_path(path); folder.size() > output.size(); folder = parent_path(folder)) {
      folders.insert(folder);
    }
  }
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {  // Children before parents.
    MILLPOND_RETURN_IF_ERROR(files.sync_directory(*folder));
  }
  return Status::ok();
}

// A single file's manifest waits in the staging folder until the file has its name; a folder's lies in it.
Status write_manifest(FileSystem& files, const PublishRequest& request, const OutputManifest& manifest) {
  const std::string output = staged_output(request.staging);
  const std::string text = manifest_to_json(manifest).dump(2) + "\n";
  const std::string path =
      request.single_file ? pending_manifest_path(request.staging)
                          : output + "/" + base_name(manifest_path(request.target, request.fingerprint, false));
  MILLPOND_RETURN_IF_ERROR(write_file(files, path, text));
  return files.apply_default_mode(path);
}

}  // namespace

std::string staged_target(const PublishRequest& request) {
  const std::string output = staged_output(request.staging);
  return request.single_file ? output + "/" + base_name(request.target) : output;
}

Result<OutputManifest> stage_output(FileSystem& files, const PublishRequest& request) {
  if (request.single_file && request.files.size() != 1) {
    return Status::internal("a single file was to be published from " + std::to_string(request.files.size()) + " files");
  }
  const std::string output = staged_output(request.staging);
  OutputManifest manifest{request.fingerprint, request.job_id, {}};
  std::set<std::string> paths;
  MILLPOND_RETURN_IF_ERROR(files.make_directories(output, 0777));
  for (const StagedFile& staged : request.files) {
    ManifestFile file = staged.file;
    if (request.single_file) file.name = base_name(request.target);
    const std::string to = output + "/" + file.name;
    if (!paths.insert(to).second) return Status::internal("two written files have the name \"" + file.name + "\"");
    MILLPOND_RETURN_IF_ERROR(stage_file(files, staged.path, to, file));
    // Without a digest a rerun could not tell this file from another of the same size.
    if (request.single_file && file.digest.empty()) {
      MILLPOND_ASSIGN_OR_RETURN(file.digest, file_digest(files, to));
    }
    manifest.files.push_back(std::move(file));
  }
  MILLPOND_RETURN_IF_ERROR(remove_others(files, output, paths));
  MILLPOND_RETURN_IF_ERROR(write_manifest(files, request, manifest));
  MILLPOND_RETURN_IF_ERROR(sync_folders(files, output, paths));
  MILLPOND_RETURN_IF_ERROR(files.sync_directory(request.staging));
  return manifest;
}

}  // namespace millpond
