#include "job/result_store.h"

#include <utility>

namespace millpond {

Result<std::unique_ptr<ResultStore>> ResultStore::open(std::shared_ptr<FileSystem> files, const std::string& job_directory,
                                                       const std::string& engine_version) {
  const Json header = Json::object({{"engine", engine_version}});
  MILLPOND_ASSIGN_OR_RETURN(Journal::Opened opened, Journal::open(files, job_directory + "/journal", header));
  if (opened.content.header.string_or("engine", "") != engine_version) {
    return Status::invalid_argument("the job in \"" + job_directory + "\" was run by another engine (" +
                                        opened.content.header.string_or("engine", "unknown") + "; this is " + engine_version + ")",
                                    "use another job_id, or remove that folder");
  }
  std::unique_ptr<ResultStore> store(new ResultStore(std::move(files), std::move(opened.journal)));
  if (!opened.content.records.empty()) MILLPOND_RETURN_IF_ERROR(store->list_stored(job_directory + "/exchange"));
  for (const Json& record : opened.content.records) {
    const std::string fingerprint = record.string_or("fingerprint", "");
    const Json* result = record.find("result");
    if (result == nullptr || result->is_null()) {
      store->results_.erase(fingerprint);
      continue;
    }
    MILLPOND_ASSIGN_OR_RETURN(TaskResult parsed, task_result_from_json(*result));
    store->results_[fingerprint] = std::move(parsed);
  }
  return store;
}

Status ResultStore::list_stored(const std::string& directory) {
  ObjectStore* store = files_->store_of(directory);
  if (store == nullptr) return Status::ok();
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, store->list_all(directory));
  for (const ObjectInfo& object : objects) listed_[object.path] = object.size;
  return Status::ok();
}

bool ResultStore::is_listed(const std::string& path, std::int64_t bytes) {
  std::lock_guard lock(mutex_);
  const auto known = listed_.find(path);
  if (known == listed_.end() || known->second != bytes) return false;
  listed_.erase(known);
  return true;
}

std::optional<TaskResult> ResultStore::find(const std::string& fingerprint, const std::string& moved_to) {
  std::optional<TaskResult> result;
  {
    std::lock_guard lock(mutex_);
    auto found = results_.find(fingerprint);
    if (found == results_.end()) return {};
    result = found->second;
  }
  for (const OutputFile& file : result->files) {
    const std::string path = result->path_of(file);
    if (is_listed(path, file.num_bytes)) continue;
    Result<FileInfo> info = files_->stat(path);
    if (!info.is_ok() && !moved_to.empty()) info = files_->stat(moved_to + "/" + file.path);
    if (!info.is_ok() || info->size != file.num_bytes) return {};
  }
  return result;
}

Status ResultStore::put(const std::string& fingerprint, const TaskResult& result) {
  const Json record = Json::object({{"fingerprint", fingerprint}, {"result", task_result_to_json(result)}});
  std::lock_guard lock(mutex_);
  if (auto known = results_.find(fingerprint); known != results_.end() && known->second == result) return Status::ok();
  MILLPOND_RETURN_IF_ERROR(journal_->append(record));
  results_[fingerprint] = result;
  return Status::ok();
}

Status ResultStore::forget(const std::string& fingerprint) {
  std::lock_guard lock(mutex_);
  if (results_.erase(fingerprint) == 0) return Status::ok();
  return journal_->append(Json::object({{"fingerprint", fingerprint}, {"result", nullptr}}));
}

Status ResultStore::forget_output(const std::string& fingerprint, const std::string& path) {
  std::lock_guard lock(mutex_);
  auto found = results_.find(fingerprint);
  if (found == results_.end()) return Status::ok();
  const TaskResult& result = found->second;
  if (result.files.empty() || result.path_of(result.files.front()) != path) return Status::ok();
  results_.erase(found);
  return journal_->append(Json::object({{"fingerprint", fingerprint}, {"result", nullptr}}));
}

std::size_t ResultStore::size() const {
  std::lock_guard lock(mutex_);
  return results_.size();
}

Status ResultStore::sync() {
  std::lock_guard lock(mutex_);
  return journal_->sync();
}

}  // namespace millpond
