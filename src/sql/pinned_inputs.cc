#include "sql/pinned_inputs.h"

#include <utility>

#include "duckdb/common/file_opener.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/connection.hpp"
#include "sql/verify_files.h"

namespace millpond {
namespace {

constexpr char kName[] = "millpond_pinned_inputs";

}  // namespace

duckdb::shared_ptr<PinnedInputs> PinnedInputs::hold(duckdb::Connection& connection, const std::vector<FileSlice>& files) {
  auto pinned = duckdb::make_shared_ptr<PinnedInputs>();
  for (const FileSlice& file : files) {
    if (!file.tag.empty()) pinned->files_.emplace(file.path, file);
  }
  connection.context->registered_state->Insert(kName, pinned);
  return pinned;
}

duckdb::shared_ptr<PinnedInputs> PinnedInputs::hold(duckdb::Connection& connection, const std::vector<TaskInput>& inputs) {
  std::vector<FileSlice> files;
  for (const TaskInput& input : inputs) {
    for (const Slice& slice : input.slices) {
      if (const auto* file = std::get_if<FileSlice>(&slice)) files.push_back(*file);
    }
  }
  return hold(connection, files);
}

Status PinnedInputs::check(duckdb::FileOpener* opener, const std::string& path, const FileInfo& opened) {
  const auto context = duckdb::FileOpener::TryGetClientContext(opener);
  if (!context) return Status::ok();
  const auto pinned = context->registered_state->Get<PinnedInputs>(kName);
  return pinned ? pinned->compare(path, opened) : Status::ok();
}

Status PinnedInputs::compare(const std::string& path, const FileInfo& opened) {
  const auto found = files_.find(path);
  if (found == files_.end()) return Status::ok();
  if (opened.tag.empty()) {
    const std::lock_guard lock(mutex_);
    loose_.insert(path);
    return Status::ok();
  }
  return same_content(found->second, opened);
}

bool PinnedInputs::is_loose(const FileSlice& file) const {
  if (file.tag.empty()) return true;
  const std::lock_guard lock(mutex_);
  return loose_.contains(file.path);
}

}  // namespace millpond
