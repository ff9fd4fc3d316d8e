#include "sql/verify_files.h"

#include <set>
#include <string>

namespace millpond {
namespace {

constexpr char kHint[] = "Run the program again: what depends on the file is computed anew.";

Status changed(const FileSlice& file, const std::string& how) {
  ErrorContext context;
  context.file = file.path;
  return Status::data_corrupt("an input file " + how + " since the job was planned", kHint).with_context(context);
}

Status verify_file(FileSystem& files, const FileSlice& file) {
  const Result<FileInfo> info = files.stat(file.path);
  if (!info.is_ok()) {
    return info.status().code() == StatusCode::kNotFound ? changed(file, "has gone") : info.status();
  }
  const FileInfo& now = *info;
  if (now.size != file.size) {
    return changed(file, "changed its size from " + std::to_string(file.size) + " to " + std::to_string(now.size) + " bytes");
  }
  if (file.mtime_ns != 0 && now.mtime_ns != 0 && now.mtime_ns != file.mtime_ns) return changed(file, "was written again");
  return Status::ok();
}

}  // namespace

Status verify_files(FileSystem& files, const std::vector<TaskInput>& inputs) {
  std::set<std::string_view> seen;
  for (const TaskInput& input : inputs) {
    for (const Slice& slice : input.slices) {
      const auto* file = std::get_if<FileSlice>(&slice);
      if (file == nullptr || !seen.insert(file->path).second) continue;
      MILLPOND_RETURN_IF_ERROR(verify_file(files, *file));
    }
  }
  return Status::ok();
}

}  // namespace millpond
