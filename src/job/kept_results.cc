#include "job/kept_results.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

#include "storage/store_reads.h"

namespace millpond {
namespace {

std::vector<std::string> paths_of(const KeptResult& result) {
  std::set<std::string> paths;
  for (const auto& partition : result.partitions) {
    for (const SegmentSlice& segment : partition) paths.insert(segment.path);
  }
  return {paths.begin(), paths.end()};
}

bool are_there(FileSystem& files, const std::vector<std::string>& paths) {
  const auto is_there = [&](const std::string& path) { return files.stat(path).is_ok(); };
  if (paths.empty() || files.store_of(paths.front()) == nullptr) return std::all_of(paths.begin(), paths.end(), is_there);
  std::atomic<bool> all = true;
  at_once(paths.size(), [&](std::size_t i) {
    if (!is_there(paths[i])) all = false;
  });
  return all;
}

}  // namespace

KeptResultPtr KeptResults::find(const std::string& fingerprint) {
  std::lock_guard lock(mutex_);
  auto found = kept_.find(fingerprint);
  if (found == kept_.end()) return {};
  if (!are_there(*files_, found->second.paths)) {
    kept_.erase(found);
    return {};
  }
  found->second.last_used = ++now_;
  return found->second.result;
}

void KeptResults::keep(const std::string& fingerprint, KeptResult result) {
  Entry entry;
  entry.paths = paths_of(result);
  entry.result = std::make_shared<const KeptResult>(std::move(result));
  std::lock_guard lock(mutex_);
  entry.last_used = ++now_;
  kept_[fingerprint] = std::move(entry);
}

void KeptResults::forget(const std::string& fingerprint) {
  std::lock_guard lock(mutex_);
  kept_.erase(fingerprint);
}

void KeptResults::forget_all() {
  std::lock_guard lock(mutex_);
  kept_.clear();
}

void KeptResults::add_outputs(std::vector<StoredOutput> outputs) {
  std::lock_guard lock(mutex_);
  ++now_;
  for (StoredOutput& output : outputs) {
    auto [at, is_new] = outputs_.try_emplace(output.path);
    if (is_new) num_bytes_ += output.num_bytes;
    at->second.last_used = now_;
    if (is_new) at->second.stored = std::move(output);
  }
}

std::int64_t KeptResults::num_bytes() const {
  std::lock_guard lock(mutex_);
  return num_bytes_;
}

KeptResults::Users KeptResults::users() const {
  Users users;
  for (const auto& [fingerprint, entry] : kept_) {
    for (const std::string& path : entry.paths) users[path].push_back(fingerprint);
  }
  return users;
}

bool KeptResults::is_held(const std::vector<std::string>& fingerprints) const {
  return std::any_of(fingerprints.begin(), fingerprints.end(), [&](const std::string& fingerprint) {
    auto found = kept_.find(fingerprint);
    return found != kept_.end() && found->second.result.use_count() > 1;
  });
}

void KeptResults::remove(const Output& output) {
  // The record goes first: files without a record are litter, a record without files is only found out by looking.
  (void)store_.forget_output(output.stored.fingerprint, output.stored.path);
  (void)files_->remove_file(output.stored.path);
  num_bytes_ -= output.stored.num_bytes;
}

void KeptResults::make_room() {
  std::lock_guard lock(mutex_);
  if (quota_ <= 0 || num_bytes_ <= quota_) return;
  const Users users = this->users();
  std::vector<std::pair<std::int64_t, std::string>> oldest;
  for (const auto& [path, output] : outputs_) {
    std::int64_t last_used = output.last_used;
    if (auto results = users.find(path); results != users.end()) {
      if (is_held(results->second)) continue;
      for (const auto& fingerprint : results->second) last_used = std::max(last_used, kept_.at(fingerprint).last_used);
    }
    if (output.stored.is_repeatable) oldest.emplace_back(last_used, path);
  }
  std::sort(oldest.begin(), oldest.end());
  for (const auto& [last_used, path] : oldest) {
    if (num_bytes_ <= quota_) return;
    if (auto results = users.find(path); results != users.end()) {
      for (const auto& fingerprint : results->second) kept_.erase(fingerprint);
    }
    remove(outputs_.at(path));
    outputs_.erase(path);
  }
}

bool KeptResults::forget_file(const std::string& path) {
  std::lock_guard lock(mutex_);
  const std::size_t erased = std::erase_if(kept_, [&](const auto& item) {
    const auto& paths = item.second.paths;
    return std::binary_search(paths.begin(), paths.end(), path);
  });
  if (erased == 0) return false;
  if (auto output = outputs_.find(path); output != outputs_.end()) {
    remove(output->second);
    outputs_.erase(output);
  }
  return true;
}

}  // namespace millpond
