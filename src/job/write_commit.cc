#include "job/write_commit.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/uri.h"

namespace millpond {
namespace {

PublishMode publish_mode(WriteMode mode) {
  switch (mode) {
    case WriteMode::kError: return PublishMode::kError;
    case WriteMode::kOverwrite: return PublishMode::kOverwrite;
    case WriteMode::kAppend: return PublishMode::kAppend;
  }
  return PublishMode::kError;
}

PublishRequest request_of(const StageWrite& write, const WriteJob& job) {
  PublishRequest request;
  request.target = write.path;
  request.staging = staging_directory(write.path, job.job_id, job.fingerprint);
  request.mode = publish_mode(write.options.mode);
  request.single_file = write.options.single_file;
  request.job_id = job.job_id;
  request.fingerprint = job.fingerprint;
  request.observed = job.observed;
  return request;
}

std::vector<OutputFile> published_files(const StageWrite& write, const OutputManifest& manifest) {
  std::vector<OutputFile> files;
  for (const ManifestFile& file : manifest.files) {
    OutputFile output;
    output.path = write.options.single_file ? write.path : write.path + "/" + file.name;
    output.num_rows = file.num_rows;
    output.num_bytes = file.num_bytes;
    output.digest = file.digest;
    files.push_back(std::move(output));
  }
  return files;
}

/// "p=1/x.parquet" as the n-th file: "p=1/part-00003.parquet". Appended files carry the write's name, so that they can't
/// meet those of another; on a store all do, since there old and new files lie side by side for a while.
std::string final_name(const StageWrite& write, const WriteJob& job, const std::string& path, std::size_t number) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  char digits[24];
  std::snprintf(digits, sizeof digits, "part-%05zu", number);
  const bool is_beside_others = write.options.mode == WriteMode::kAppend || has_scheme(write.path);
  const std::string unique = is_beside_others ? "-" + job.fingerprint.substr(0, 16) : "";
  std::string extension = path.substr(slash == std::string::npos ? 0 : slash + 1);
  const std::size_t dot = extension.find('.');
  extension = dot == std::string::npos ? "" : extension.substr(dot);
  return folder + digits + unique + extension;
}

}  // namespace

Result<std::optional<std::vector<OutputFile>>> check_write(FileSystem& files, const StageWrite& write, const WriteJob& job) {
  const PublishRequest request = request_of(write, job);
  MILLPOND_ASSIGN_OR_RETURN(auto manifest, check_target(files, request));
  if (!manifest) return std::optional<std::vector<OutputFile>>();
  // A kill right after publishing leaves the staging folder; what can't be removed now is removed by clean-up.
  (void)files.remove_tree(request.staging);
  return std::optional(published_files(write, *manifest));
}

Result<BegunWrite> open_write(FileSystem& files, const StageWrite& write, const WriteJob& job) {
  return begin_write(files, request_of(write, job));
}

Status discard_write(FileSystem& files, const StageWrite& write, const WriteJob& job) {
  return remove_stale(files, write.path, job.job_id);
}

Result<std::vector<OutputFile>> commit_write(FileSystem& files, ResultStore& store, const StageWrite& write,
                                             const WriteJob& job, const std::vector<TaskResult>& results) {
  MILLPOND_RETURN_IF_ERROR(store.sync());
  PublishRequest request = request_of(write, job);
  std::size_t number = 0;
  std::optional<StagedFile> empty;
  for (const TaskResult& result : results) {
    for (const OutputFile& file : result.files) {
      StagedFile staged;
      staged.path = result.path_of(file);
      staged.file = {write.options.single_file ? "" : final_name(write, job, file.path, number), file.num_rows, file.num_bytes, file.digest};
      if (file.num_rows == 0 && !write.options.write_empty_files) {
        if (!empty) empty = std::move(staged);
        continue;
      }
      ++number;
      request.files.push_back(std::move(staged));
    }
  }
  // A data set of no rows still says what its columns are.
  if (request.files.empty() && empty) request.files.push_back(std::move(*empty));
  MILLPOND_ASSIGN_OR_RETURN(const OutputManifest manifest, publish(files, request));
  return published_files(write, manifest);
}

}  // namespace millpond
