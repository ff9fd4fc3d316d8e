#include "sql/pinned_inputs.h"

#include <utility>

#include "duckdb/common/file_opener.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/connection.hpp"
#include "sql/verify_files.h"

namespace millpond {
namespace {

constexpr char kName[] = "millpond_pinned_inputs";

duckdb::shared_ptr<PinnedInputs> of_query(duckdb::FileOpener* opener) {
  const auto context = duckdb::FileOpener::TryGetClientContext(opener);
  return context ? context->registered_state->Get<PinnedInputs>(kName) : nullptr;
}

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

std::optional<FileSlice> PinnedInputs::find(duckdb::FileOpener* opener, const std::string& path) {
  const auto pinned = of_query(opener);
  if (!pinned) return std::nullopt;
  const auto found = pinned->files_.find(path);
  return found == pinned->files_.end() ? std::nullopt : std::optional(found->second);
}

Status PinnedInputs::check(duckdb::FileOpener* opener, FileSystem& files, const FileSlice& pinned, const FileInfo& opened) {
  if (!opened.tag.empty()) return same_content(pinned, opened);
  if (const auto inputs = of_query(opener)) {
    const std::lock_guard lock(inputs->mutex_);
    inputs->loose_.insert(pinned.path);
  }
  return verify_file(files, pinned);
}

bool PinnedInputs::is_loose(const FileSlice& file) const {
  if (file.tag.empty()) return true;
  const std::lock_guard lock(mutex_);
  return loose_.contains(file.path);
}

}  // namespace millpond
