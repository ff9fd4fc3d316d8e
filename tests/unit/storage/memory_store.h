#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millpond/object_store.h"

namespace millpond {

/// A store in memory, for tests: it can fail, or die, at any of its calls, and lets others act before one. Its calls, and those that
/// make it fail, may come from any thread; objects() may not be looked into meanwhile.
class MemoryStore final : public ObjectStore {
 public:
  enum class Fault {
    kBefore,  ///< The call does nothing and fails.
    kAfter,   ///< The call does its work, and its answer is lost.
    kRace,    ///< put_if does its work, and says that another was faster, as when the answer to an earlier try was lost.
    kDeath,   ///< This and all later calls fail and do nothing.
  };

  struct Object {
    std::string content;
    std::string tag;
    std::string mark;
    std::int64_t mtime_ns = 0;
  };

  /// Fails at the n-th call from now, counted from 0.
  void fail_at(int n, Fault fault) {
    const std::lock_guard lock(mutex_);
    calls_ = 0;
    fail_at_ = n;
    fault_ = fault;
  }
  void heal() {
    const std::lock_guard lock(mutex_);
    fail_at_ = -1;
  }
  int calls() const { return calls_; }
  /// From now on all that is put has the same time, as within a second of a store that tells seconds.
  void stop_clock() { stopped_at_ = version_; }
  void set_hook(std::function<void(int call)> hook) { hook_ = std::move(hook); }

  std::map<std::string, Object>& objects() { return objects_; }
  void put(const std::string& path, const std::string& content, const std::string& mark = "") {
    const std::lock_guard lock(mutex_);
    ++version_;
    objects_[path] = {content, std::to_string(version_), mark, stopped_at_.value_or(version_)};
  }

  Result<ObjectInfo> stat(const std::string& path) override {
    return call<ObjectInfo>([&]() -> Result<ObjectInfo> {
      if (const auto found = objects_.find(path); found != objects_.end()) return info_of(*found);
      const auto below = objects_.lower_bound(path + "/");
      if (below == objects_.end() || !below->first.starts_with(path + "/")) return missing(path);
      return ObjectInfo{path, 0, 0, true};
    });
  }
  Result<std::vector<ObjectInfo>> list(const std::string& path) override {
    return call<std::vector<ObjectInfo>>([&]() -> Result<std::vector<ObjectInfo>> {
      std::map<std::string, ObjectInfo> entries;
      for (const auto& object : objects_) {
        if (!object.first.starts_with(path + "/")) continue;
        const std::size_t slash = object.first.find('/', path.size() + 1);
        const std::string name = object.first.substr(0, slash);
        entries[name] = slash == std::string::npos ? info_of(object) : ObjectInfo{name, 0, 0, true};
      }
      if (entries.empty()) return missing(path);
      std::vector<ObjectInfo> result;
      for (auto& entry : entries) result.push_back(std::move(entry.second));
      return result;
    });
  }
  Result<std::unique_ptr<ReadableObject>> open(const std::string& path) override { return missing(path); }
  Result<std::vector<ObjectInfo>> list_all(const std::string& folder) override {
    return call<std::vector<ObjectInfo>>([&]() -> Result<std::vector<ObjectInfo>> {
      std::vector<ObjectInfo> result;
      for (const auto& object : objects_) {
        if (object.first.starts_with(folder + "/")) result.push_back(info_of(object));
      }
      return result;
    });
  }
  Result<ObjectVersion> version_of(const std::string& path) override {
    return call<ObjectVersion>([&]() -> Result<ObjectVersion> {
      const auto found = objects_.find(path);
      if (found == objects_.end()) return missing(path);
      return ObjectVersion{static_cast<std::int64_t>(found->second.content.size()), found->second.tag, found->second.mark};
    });
  }
  Result<TaggedObject> get(const std::string& path) override {
    return call<TaggedObject>([&]() -> Result<TaggedObject> {
      const auto found = objects_.find(path);
      if (found == objects_.end()) return missing(path);
      return TaggedObject{found->second.content, found->second.tag};
    });
  }
  Status put_if(const std::string& path, const std::string& content, const std::string& tag) override {
    return change([&]() -> Status {
      const auto found = objects_.find(path);
      const std::string now = found == objects_.end() ? "" : found->second.tag;
      if (now != tag) return Status(StatusCode::kConflict, "another writer was faster at " + path, "");
      put(path, content);
      const bool is_lost = fault_ == Fault::kRace && calls_ - 1 == fail_at_;
      return is_lost ? Status(StatusCode::kConflict, "the answer was lost", "") : Status::ok();
    });
  }
  /// Each copy is a call of its own.
  Status copy(const std::vector<ObjectCopy>& copies, const std::string& mark) override {
    for (const ObjectCopy& one : copies) {
      MILLPOND_RETURN_IF_ERROR(change([&]() -> Status {
        const auto found = objects_.find(one.from);
        if (found == objects_.end()) return missing(one.from);
        if (static_cast<std::int64_t>(found->second.content.size()) != one.size) return Status::data_corrupt("another size");
        put(one.to, std::string(found->second.content), mark);
        return Status::ok();
      }));
    }
    return Status::ok();
  }
  Status remove(const std::vector<std::string>& paths) override {
    for (const std::string& path : paths) {
      MILLPOND_RETURN_IF_ERROR(change([&]() -> Status {
        objects_.erase(path);
        return Status::ok();
      }));
    }
    return Status::ok();
  }
  Status remove_prefix(const std::string& prefix) override {
    return change([&]() -> Status {
      std::erase_if(objects_, [&](const auto& object) { return object.first.starts_with(prefix); });
      return Status::ok();
    });
  }
  std::string settings() override { return ""; }
  Status configure(const std::string&) override { return Status::ok(); }

 private:
  static ObjectInfo info_of(const std::pair<const std::string, Object>& object) {
    return {object.first, static_cast<std::int64_t>(object.second.content.size()), object.second.mtime_ns, false,
            object.second.tag};
  }
  static Status missing(const std::string& path) { return Status::not_found("nothing at " + path); }

  template <typename T, typename Work>
  Result<T> call(const Work& work) {
    const std::lock_guard lock(mutex_);
    const int n = begin_call();
    if (is_down(n)) return Status(StatusCode::kUnavailable, "the store is down", "");
    Result<T> result = work();
    if (n == fail_at_ && fault_ == Fault::kAfter) return Status(StatusCode::kUnavailable, "the answer was lost", "");
    return result;
  }
  template <typename Work>
  Status change(const Work& work) {
    return call<bool>([&]() -> Result<bool> {
             MILLPOND_RETURN_IF_ERROR(work());
             return true;
           })
        .status();
  }
  int begin_call() {
    const int n = calls_++;
    if (const auto hook = std::exchange(hook_, nullptr)) {
      hook(n);
      if (!hook_) hook_ = hook;
    }
    return n;
  }
  bool is_down(int n) const {
    if (fail_at_ < 0 || n < fail_at_) return false;
    return fault_ == Fault::kDeath || (n == fail_at_ && fault_ == Fault::kBefore);
  }

  std::recursive_mutex mutex_;  // A hook calls the store.
  std::map<std::string, Object> objects_;
  std::function<void(int)> hook_;
  Fault fault_ = Fault::kBefore;
  int fail_at_ = -1;
  int calls_ = 0;
  std::int64_t version_ = 0;
  std::optional<std::int64_t> stopped_at_;
};

}  // namespace millpond
