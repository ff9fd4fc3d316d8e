#include "storage/forget_output.h"

#include <vector>

#include "storage/data_set_head.h"
#include "storage/parent_path.h"

namespace millpond {

Status forget_output(FileSystem& files, const std::string& target) {
  if (ObjectStore* store = files.store_of(target)) {
    const Status removed = store->remove({head_path(target)});
    return removed.code() == StatusCode::kNotFound ? Status::ok() : removed;  // There is no bucket.
  }
  const Result<std::vector<FileInfo>> entries = files.list(target);
  if (entries.status().code() == StatusCode::kNotFound) return Status::ok();
  if (!entries.is_ok()) return entries.status();
  for (const FileInfo& entry : *entries) {
    const std::string name = base_name(entry.path);
    if (name.starts_with("._millpond-") && name.ends_with(".json")) MILLPOND_RETURN_IF_ERROR(files.remove_file(entry.path));
  }
  return Status::ok();
}

}  // namespace millpond
