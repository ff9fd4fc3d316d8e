#include "storage/staging.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "storage/append.h"
#include "storage/parent_path.h"
#include "storage/store_folder.h"
#include "storage/store_object.h"

namespace millpond {
namespace {

constexpr std::size_t kIdSize = 16;
constexpr std::size_t kMaxTargetPart = 120;
constexpr std::size_t kMaxJobPart = 60;
constexpr int kMaxRaces = 4;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// What all staging folders of a job for a target begin with.
std::string staging_prefix(const std::string& target, const std::string& job_id) {
  std::string name = base_name(target);
  if (name.size() > kMaxTargetPart) name = name.substr(0, kMaxTargetPart) + "~" + xxh3_64_hex(name);
  const bool is_fit =
      !job_id.empty() && job_id.size() <= kMaxJobPart && std::all_of(job_id.begin(), job_id.end(), is_plain);
  // A store looks for prefixes, and that of job "a" must not be one of job "a-b".
  const bool is_told = is_fit && !has_scheme(target);
  return parent_path(target) + "/." + name + ".millpond-" + (is_told ? job_id : xxh3_64_hex(job_id)) + "-";
}

bool is_staging_of(const std::string& path, const std::string& prefix) {
  if (path.size() != prefix.size() + kIdSize || path.compare(0, prefix.size(), prefix) != 0) return false;
  return path.find_first_not_of("0123456789abcdef", prefix.size()) == std::string::npos;
}

Result<bool> exists(FileSystem& files, const std::string& path) {
  const Status status = files.stat(path).status();
  if (status.code() == StatusCode::kNotFound) return false;
  if (!status.is_ok()) return status;
  return true;
}

// Gives back what the dead write had done to the target, then removes its folder.
Status undo(FileSystem& files, const std::string& target, const std::string& staging) {
  MILLPOND_RETURN_IF_ERROR(take_back_append(files, target, staging));
  const std::string replaced = replaced_output(staging);
  MILLPOND_ASSIGN_OR_RETURN(const bool is_kept, exists(files, replaced));
  MILLPOND_ASSIGN_OR_RETURN(const bool is_replaced, exists(files, target));
  if (is_kept && !is_replaced) {
    MILLPOND_RETURN_IF_ERROR(files.rename_no_replace(replaced, target));
    MILLPOND_RETURN_IF_ERROR(files.sync_directory(parent_path(target)));
  }
  return files.remove_tree(staging);
}

// Makes a folder with the user's default mode, and its name durable.
Status make_parent(FileSystem& files, const std::string& path) {
  std::vector<std::string> missing;
  std::string current = path;
  while (current != "." && current != "/" && files.stat(current).status().code() == StatusCode::kNotFound) {
    missing.push_back(current);
    current = parent_path(current);
  }
  MILLPOND_RETURN_IF_ERROR(files.make_directories(path, 0777));
  for (const std::string& made : missing) MILLPOND_RETURN_IF_ERROR(files.sync_directory(parent_path(made)));
  return Status::ok();
}

}  // namespace

std::string staging_directory(const std::string& target, const std::string& job_id, const std::string& fingerprint) {
  return staging_prefix(target, job_id) + xxh3_64_hex(fingerprint);
}

std::string staged_output(const std::string& staging) { return staging + "/output"; }

Result<std::unique_ptr<Lease>> prepare_staging(FileSystem& files, const std::string& target,
                                               const std::string& staging) {
  MILLPOND_RETURN_IF_ERROR(make_parent(files, parent_path(target)));
  // Clean-up may take the folder away before its lease is held.
  for (int race = 0;; ++race) {
    MILLPOND_RETURN_IF_ERROR(files.make_directories(staging, 0700));
    Result<std::unique_ptr<Lease>> lease = Lease::acquire(staging);
    if (lease.status().code() != StatusCode::kNotFound || race == kMaxRaces) return lease;
  }
}

Status remove_stale(FileSystem& files, const std::string& path, const std::string& job_id, const std::string& keep) {
  const std::string target = trimmed_path(path);
  if (ObjectStore* store = files.store_of(target)) {
    const Status removed = store->remove_prefix(staging_prefix(target, job_id));
    // On a store that is only read, and without the bucket, nothing was ever staged.
    if (removed.code() == StatusCode::kUnsupported || removed.code() == StatusCode::kNotFound) return Status::ok();
    MILLPOND_RETURN_IF_ERROR(removed);
    MILLPOND_RETURN_IF_ERROR(take_back_from_store_folder(*store, target, job_id));
    return unlock_store_object(*store, target, job_id);
  }
  const Result<std::vector<FileInfo>> entries = files.list(parent_path(target));
  if (entries.status().code() == StatusCode::kNotFound) return Status::ok();
  if (!entries.is_ok()) return entries.status();
  const std::string prefix = staging_prefix(target, job_id);
  for (const FileInfo& entry : *entries) {
    if (!entry.is_directory || !is_staging_of(entry.path, prefix) || entry.path == keep) continue;
    Result<std::unique_ptr<Lease>> lease = Lease::acquire(entry.path);
    if (lease.status().code() == StatusCode::kConflict) continue;  // Alive.
    if (!lease.is_ok()) return lease.status();
    MILLPOND_RETURN_IF_ERROR(undo(files, target, entry.path));
  }
  return Status::ok();
}

}  // namespace millpond
