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

}  // namespace

FileInfo as_listed(const FileSlice& file) {
  FileInfo info;
  info.path = file.path;
  info.size = file.size;
  info.mtime_ns = file.mtime_ns;
  info.tag = file.tag;
  return info;
}

Status verify_file(FileSystem& files, const FileSlice& file) {
  const Result<FileInfo> info = files.stat(file.path);
  if (!info.is_ok()) {
    return info.status().code() == StatusCode::kNotFound ? changed(file, "has gone") : info.status();
  }
  return same_content(file, *info);
}

Status verify_untagged(FileSystem& files, const std::vector<TaskInput>& inputs) {
  return verify_files(files, inputs, [](const FileSlice& file) { return file.tag.empty(); });
}

Status same_content(const FileSlice& file, const FileInfo& now) {
  if (now.size != file.size) {
    return changed(file, "changed its size from " + std::to_string(file.size) + " to " + std::to_string(now.size) + " bytes");
  }
  const bool has_other_time = file.mtime_ns != 0 && now.mtime_ns != 0 && now.mtime_ns != file.mtime_ns;
  const bool has_other_tag = !file.tag.empty() && !now.tag.empty() && now.tag != file.tag;
  return has_other_time || has_other_tag ? changed(file, "was written again") : Status::ok();
}

Status verify_files(FileSystem& files, const std::vector<TaskInput>& inputs,
                    const std::function<bool(const FileSlice&)>& wanted) {
  std::set<std::string_view> seen;
  for (const TaskInput& input : inputs) {
    for (const Slice& slice : input.slices) {
      const auto* file = std::get_if<FileSlice>(&slice);
      if (file == nullptr || (wanted && !wanted(*file)) || !seen.insert(file->path).second) continue;
      MILLPOND_RETURN_IF_ERROR(verify_file(files, *file));
    }
  }
  return Status::ok();
}

}  // namespace millpond
