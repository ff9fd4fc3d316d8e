#include "storage/stage_output.h"

#include <set>
#include <utility>
#include <vector>

#include "storage/append.h"
#include "storage/file_content.h"
#include "storage/parent_path.h"
#include "storage/staged_moves.h"

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

// Makes one file ready for others to see; its identity.
Result<std::uint64_t> seal_file(FileSystem& files, const std::string& path, const ManifestFile& file) {
  const Result<FileInfo> info = files.stat(path);
  if (info.status().code() == StatusCode::kNotFound) {
    return Status::data_corrupt("the written file \"" + path + "\" is gone", "Run the job again.")
        .with_context({{}, {}, {}, path, {}});
  }
  if (!info.is_ok()) return info.status();
  MILLPOND_RETURN_IF_ERROR(check_size(*info, file));
  MILLPOND_RETURN_IF_ERROR(files.apply_default_mode(path));
  MILLPOND_RETURN_IF_ERROR(sync_file(files, path));
  return info->file_id;
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
  const std::string path = request.single_file
                               ? pending_manifest_path(request.staging)
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
    return Status::internal("a single file was to be published from " + std::to_string(request.files.size()) +
                            " files");
  }
  MILLPOND_RETURN_IF_ERROR(restore_staged(files, request.target, request.staging));
  const std::string output = staged_output(request.staging);
  MILLPOND_RETURN_IF_ERROR(files.remove_tree(output));
  OutputManifest manifest{request.fingerprint, request.job_id, {}};
  std::vector<StagedMove> moves;
  std::set<std::string> paths;
  for (const StagedFile& staged : request.files) {
    ManifestFile file = staged.file;
    if (request.single_file) file.name = base_name(request.target);
    if (!paths.insert(output + "/" + file.name).second) {
      return Status::internal("two written files have the name \"" + file.name + "\"");
    }
    MILLPOND_ASSIGN_OR_RETURN(const std::uint64_t file_id, seal_file(files, staged.path, file));
    // Without a digest a rerun could not tell this file from another of the same size.
    if (request.single_file && file.digest.empty()) {
      MILLPOND_ASSIGN_OR_RETURN(file.digest, file_digest(files, staged.path));
    }
    moves.push_back({staged.path, file.name, file_id});
    manifest.files.push_back(std::move(file));
  }
  MILLPOND_RETURN_IF_ERROR(files.make_directories(output, 0777));
  MILLPOND_RETURN_IF_ERROR(move_staged(files, request.staging, moves));
  MILLPOND_RETURN_IF_ERROR(write_manifest(files, request, manifest));
  MILLPOND_RETURN_IF_ERROR(sync_folders(files, output, paths));
  MILLPOND_RETURN_IF_ERROR(files.sync_directory(request.staging));
  return manifest;
}

Status restore_staged(FileSystem& files, const std::string& target, const std::string& staging) {
  MILLPOND_RETURN_IF_ERROR(take_back_append(files, target, staging));
  return undo_staged_moves(files, staging);
}

}  // namespace millpond
