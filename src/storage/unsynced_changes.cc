#include "storage/unsynced_changes.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/ids.h"
#include "storage/file_content.h"
#include "storage/file_system.h"
#include "storage/parent_path.h"

namespace millpond {
namespace {

// `path` after a folder above it was renamed.
std::string follow_folder(const std::string& path, const std::string& from, const std::string& to) {
  if (path.size() > from.size() && path.compare(0, from.size(), from) == 0 && path[from.size()] == '/') {
    return to + path.substr(from.size());
  }
  return path;
}

// The same for a path that may also be what was renamed.
std::string follow(const std::string& path, const std::string& from, const std::string& to) {
  return path == from ? to : follow_folder(path, from, to);
}

}  // namespace

void UnsyncedChanges::created(const std::string& path) {
  const std::lock_guard lock(mutex_);
  changes_.push_back({Change::Kind::kCreate, "", path, {}});
  synced_sizes_[path] = 0;
}

void UnsyncedChanges::opened(const std::string& path, std::int64_t size) {
  const std::lock_guard lock(mutex_);
  synced_sizes_.try_emplace(path, size);
}

void UnsyncedChanges::synced_file(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!error) synced_sizes_[path] = static_cast<std::int64_t>(size);
}

void UnsyncedChanges::synced_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::erase_if(changes_, [&](const Change& change) { return parent_path(change.to) == path; });
}

std::optional<std::string> UnsyncedChanges::keep(const std::string& to) {
  Result<std::string> content = read_file(*local_file_system(), to);
  if (!content.is_ok()) return std::nullopt;
  return std::move(*content);
}

void UnsyncedChanges::moved(const std::string& from, const std::string& to) {
  for (Change& change : changes_) {
    // The old name of a rename is free: what has that name now is something else.
    const bool is_name = change.kind == Change::Kind::kExchange;
    change.from = is_name ? follow(change.from, from, to) : follow_folder(change.from, from, to);
    change.to = follow(change.to, from, to);
  }
  std::map<std::string, std::int64_t> sizes;
  for (const auto& [path, size] : synced_sizes_) sizes[follow(path, from, to)] = size;
  synced_sizes_ = std::move(sizes);
}

void UnsyncedChanges::renamed(const std::string& from, const std::string& to, std::optional<std::string> kept) {
  const std::lock_guard lock(mutex_);
  synced_sizes_.erase(to);
  // A creation is not another name's; what is renamed now is undone by its rename.
  std::erase_if(changes_,
                [&](const Change& change) { return change.kind == Change::Kind::kCreate && change.to == to; });
  moved(from, to);
  changes_.push_back({Change::Kind::kRename, from, to, std::move(kept)});
}

void UnsyncedChanges::exchanged(const std::string& a, const std::string& b) {
  const std::lock_guard lock(mutex_);
  const std::string between = a + "\n" + random_name();
  moved(a, between);
  moved(b, a);
  moved(between, b);
  changes_.push_back({Change::Kind::kExchange, a, b, {}});
}

void UnsyncedChanges::removed(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto is_gone = [&](const std::string& other) { return follow(other, path, "") != other; };
  std::erase_if(synced_sizes_, [&](const auto& file) { return is_gone(file.first); });
  std::erase_if(changes_, [&](const Change& change) { return is_gone(change.to); });
}

void UnsyncedChanges::undo() {
  const std::lock_guard lock(mutex_);
  std::error_code ignored;
  for (const auto& [path, size] : synced_sizes_) {
    const std::uintmax_t now = std::filesystem::file_size(path, ignored);
    if (!ignored && now > static_cast<std::uintmax_t>(size)) {
      std::filesystem::resize_file(path, static_cast<std::uintmax_t>(size), ignored);
    }
  }
  for (std::size_t i = changes_.size(); i-- > 0;) {
    const Change change = changes_[i];
    changes_.pop_back();
    switch (change.kind) {
      case Change::Kind::kCreate:
        std::filesystem::remove(change.to, ignored);
        break;
      case Change::Kind::kRename:
        std::filesystem::rename(change.to, change.from, ignored);
        if (change.kept.has_value()) (void)write_file(*local_file_system(), change.to, *change.kept);
        moved(change.to, change.from);
        break;
      case Change::Kind::kExchange:
        (void)local_file_system()->exchange(change.from, change.to);
        break;
    }
  }
  synced_sizes_.clear();
}

}  // namespace millpond
