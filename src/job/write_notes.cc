#include "job/write_notes.h"

#include <memory>
#include <utility>

#include "base/hash.h"
#include "base/json.h"
#include "storage/file_content.h"
#include "storage/forget_output.h"
#include "storage/lease.h"
#include "storage/parent_path.h"
#include "storage/staging.h"
#include "storage/store_lease.h"

namespace millpond {
namespace {

const std::string kWrite = "write-";
const std::string kTableWrite = "table-";

std::string note_path(const std::string& job_directory, const std::string& kind, const std::string& target) {
  return job_directory + "/" + kind + xxh3_64_hex(target) + ".json";
}

Status note(FileSystem& files, const std::string& job_directory, const std::string& kind, const std::string& target) {
  const std::string text = Json::object({{"version", 1}, {"target", target}}).dump();
  MILLPOND_RETURN_IF_ERROR(write_file(files, note_path(job_directory, kind, target), text));
  return files.sync_directory(job_directory);
}

Result<std::vector<std::string>> noted(FileSystem& files, const std::string& job_directory, const std::string& kind) {
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<FileInfo> entries, files.list(job_directory));
  std::vector<std::string> targets;
  for (const FileInfo& entry : entries) {
    const std::string name = base_name(entry.path);
    if (entry.is_directory || !name.starts_with(kind) || !name.ends_with(".json")) continue;
    MILLPOND_ASSIGN_OR_RETURN(const std::string text, read_file(files, entry.path));
    MILLPOND_ASSIGN_OR_RETURN(const Json json, Json::parse(text));
    MILLPOND_ASSIGN_OR_RETURN(std::string target, json.get_string("target"));
    targets.push_back(std::move(target));
  }
  return targets;
}

// Removes what the job's unfinished writes staged; gives their targets.
Result<std::vector<std::string>> remove_staged(FileSystem& files, const std::string& directory) {
  MILLPOND_ASSIGN_OR_RETURN(std::vector<std::string> targets, noted_writes(files, directory));
  for (const std::string& target : targets) {
    MILLPOND_RETURN_IF_ERROR(remove_stale(files, target, base_name(directory)));
  }
  MILLPOND_RETURN_IF_ERROR(finish_table_writes(files, directory));
  return targets;
}

// The lease goes last: whoever takes it then finds nothing of ours, and loses nothing of his.
Status remove_from_store(FileSystem& files, const std::string& directory) {
  MILLPOND_ASSIGN_OR_RETURN(const std::unique_ptr<StoreLease> lease, StoreLease::acquire(files, directory));
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<std::string> targets, remove_staged(files, directory));
  for (const char* name : {"exchange", "events", "journal"}) {
    MILLPOND_RETURN_IF_ERROR(files.remove_tree(directory + "/" + name));
  }
  for (const std::string& target : targets) MILLPOND_RETURN_IF_ERROR(forget_write(files, directory, target));
  return lease->confirm();
}

// Whoever names a wrong folder must not lose it.
bool is_job_directory(FileSystem& files, const std::string& directory) {
  for (const char* name : {"journal", "lease", "events.jsonl"}) {
    if (files.stat(directory + "/" + name).is_ok()) return true;
  }
  return false;
}

}  // namespace

Status note_write(FileSystem& files, const std::string& job_directory, const std::string& target) {
  return note(files, job_directory, kWrite, target);
}

Status forget_write(FileSystem& files, const std::string& job_directory, const std::string& target) {
  return files.remove_file(note_path(job_directory, kWrite, target));
}

Result<std::vector<std::string>> noted_writes(FileSystem& files, const std::string& job_directory) {
  return noted(files, job_directory, kWrite);
}

Status note_table_write(FileSystem& files, const std::string& job_directory, const std::string& folder) {
  return note(files, job_directory, kTableWrite, folder);
}

Status finish_table_write(FileSystem& files, const std::string& job_directory, const std::string& folder) {
  MILLPOND_RETURN_IF_ERROR(forget_output(files, folder));
  return files.remove_file(note_path(job_directory, kTableWrite, folder));
}

Status finish_table_writes(FileSystem& files, const std::string& job_directory) {
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<std::string> folders, noted(files, job_directory, kTableWrite));
  for (const std::string& folder : folders) MILLPOND_RETURN_IF_ERROR(finish_table_write(files, job_directory, folder));
  return Status::ok();
}

Status remove_job_directory(FileSystem& files, const std::string& job_directory) {
  const std::string directory = trimmed_path(job_directory);
  const Status there = files.stat(directory).status();
  if (there.code() == StatusCode::kNotFound) return Status::ok();
  MILLPOND_RETURN_IF_ERROR(there);
  if (!is_job_directory(files, directory)) {
    return Status::invalid_argument("\"" + directory + "\" is no job's folder", "Name a folder below data_root.");
  }
  if (files.store_of(directory) != nullptr) return remove_from_store(files, directory);
  MILLPOND_ASSIGN_OR_RETURN(const std::unique_ptr<Lease> lease, Lease::acquire(directory));
  MILLPOND_RETURN_IF_ERROR(remove_staged(files, directory).status());
  return files.remove_tree(directory);
}

}  // namespace millpond
