#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "storage/publish.h"
#include "temporary_directory.h"

namespace millpond::publish_sample {

// A write of two files in folders, "a" and "p=1/b", whose content is `text`.
struct Write {
  std::string text;
  PublishMode mode = PublishMode::kError;
  bool single_file = false;
  std::string job = "job";
  std::string target = "out";
};

inline std::vector<std::string> names_of(const Write& write) {
  if (write.single_file) return {"only"};
  const std::string unique = write.mode == PublishMode::kAppend ? "-" + write.text : "";
  return {"a" + unique, "p=1/b" + unique};
}

inline PublishRequest request_of(const TemporaryDirectory& directory, const Write& write) {
  PublishRequest request;
  request.target = directory / write.target;
  request.mode = write.mode;
  request.single_file = write.single_file;
  request.job_id = write.job;
  request.fingerprint = "fingerprint of " + write.text;
  request.staging = staging_directory(request.target, request.job_id, request.fingerprint);
  for (const std::string& name : names_of(write)) {
    StagedFile staged;
    staged.path = request.staging + "/attempts/" + name;
    staged.file = {write.single_file ? "" : name, 1, static_cast<std::int64_t>(write.text.size()), ""};
    request.files.push_back(staged);
  }
  return request;
}

// What a task does: writes its files, without syncing.
inline Status stage(FileSystem& files, const Write& write, const PublishRequest& request) {
  for (const StagedFile& staged : request.files) {
    MILLPOND_RETURN_IF_ERROR(files.make_directories(std::filesystem::path(staged.path).parent_path().string(), 0700));
    MILLPOND_ASSIGN_OR_RETURN(const auto file, files.create(staged.path));
    MILLPOND_RETURN_IF_ERROR(file->write_at(0, std::as_bytes(std::span(write.text.data(), write.text.size()))));
  }
  return Status::ok();
}

inline Result<OutputManifest> run(FileSystem& files, const TemporaryDirectory& directory, const Write& write,
                                  bool* was_staged = nullptr) {
  PublishRequest request = request_of(directory, write);
  MILLPOND_ASSIGN_OR_RETURN(auto done, check_target(files, request));
  if (done.has_value()) return std::move(*done);
  MILLPOND_ASSIGN_OR_RETURN(const BegunWrite begun, begin_write(files, request));
  request.observed = begun.observed;
  MILLPOND_RETURN_IF_ERROR(stage(files, write, request));
  if (was_staged != nullptr) *was_staged = true;
  return publish(files, request);
}

// What a driver does when the job is run again: files that are still staged are not written again.
inline Result<OutputManifest> rerun(FileSystem& files, const TemporaryDirectory& directory, const Write& write,
                                    bool must_be_staged) {
  PublishRequest request = request_of(directory, write);
  MILLPOND_ASSIGN_OR_RETURN(auto done, check_target(files, request));
  if (done.has_value()) return publish(files, request);
  MILLPOND_ASSIGN_OR_RETURN(const BegunWrite begun, begin_write(files, request));
  request.observed = begun.observed;
  bool are_staged = true;
  for (const StagedFile& staged : request.files) {
    const Result<FileInfo> info = files.stat(staged.path);
    are_staged = are_staged && info.is_ok() && info->size == staged.file.num_bytes;
  }
  if (must_be_staged && !are_staged) return Status::internal("finished work was lost");
  if (!are_staged) {
    MILLPOND_RETURN_IF_ERROR(files.remove_tree(request.staging + "/attempts"));
    MILLPOND_RETURN_IF_ERROR(stage(files, write, request));
  }
  return publish(files, request);
}

// The visible files below a folder (or the file itself) with their content.
inline std::map<std::string, std::string> look(const TemporaryDirectory& directory, const std::string& target = "out") {
  std::map<std::string, std::string> found;
  const std::filesystem::path path = directory / target;
  if (std::filesystem::is_regular_file(path)) found[""] = directory.read(target);
  if (!std::filesystem::is_directory(path)) return found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    const std::string name = std::filesystem::relative(entry.path(), path).string();
    if (entry.is_regular_file() && entry.path().filename().string()[0] != '.')
      found[name] = directory.read(target + "/" + name);
  }
  return found;
}

inline std::map<std::string, std::string> output_of(const Write& write) {
  std::map<std::string, std::string> files;
  for (const std::string& name : names_of(write)) files[write.single_file ? "" : name] = write.text;
  return files;
}

inline std::map<std::string, std::string> both(std::map<std::string, std::string> a,
                                               const std::map<std::string, std::string>& b) {
  a.insert(b.begin(), b.end());
  return a;
}

inline std::set<std::string> leftovers(const TemporaryDirectory& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && name[0] == '.') names.insert(name);
  }
  return names;
}

}  // namespace millpond::publish_sample
