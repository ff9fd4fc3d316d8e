#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/json.h"
#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// How a StoreLease shows that its holder lives.
struct StoreLeaseTimes {
  std::chrono::milliseconds beat{5000};       ///< The holder writes its object anew so often.
  std::chrono::milliseconds patience{30000};  ///< Who finds an object that nobody writes for so long may take it.
};

/// Says that a live driver works on a job whose state is on a store: the object "lease" in its folder, made and replaced by
/// conditional requests, so that of several who try one succeeds. The holder writes it anew while it lives. A dead one's is
/// taken over: at once when it was a process of this machine, else after it has not changed for `patience` on this process's own
/// clock. A holder that could not write for so long, and has lost the lease, learns that from its next beat; until then it is
/// the journal that keeps what it does from counting. Given back on destruction.
class StoreLease {
 public:
  using Times = StoreLeaseTimes;

  /// `files` has the store of `directory` and outlives the lease. kConflict, naming the holder, when another holds it; waits up to `patience` to find out. `on_lost` is called once, by another
  /// thread, when the lease was lost.
  static Result<std::unique_ptr<StoreLease>> acquire(FileSystem& files, const std::string& directory,
                                                     std::function<void()> on_lost = {}, Times times = {});
  ~StoreLease();
  StoreLease(const StoreLease&) = delete;
  StoreLease& operator=(const StoreLease&) = delete;

  /// kConflict once the lease is known to be lost.
  Status check() const;
  /// As check(), after a look at the store: kUnavailable when that does not answer.
  Status confirm();

 private:
  StoreLease(ObjectStore& store, std::string directory, Json holder, std::function<void()> on_lost,
             Times times);
  void beat_until_the_end();
  Status beat();
  Status note_lost(Status why);

  ObjectStore& store_;
  const std::string directory_;
  Json holder_;  // The beating thread's.
  const std::string token_;
  const std::function<void()> on_lost_;
  const Times times_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Status lost_;
  bool is_closing_ = false;
  std::thread beating_;
};

}  // namespace millpond
