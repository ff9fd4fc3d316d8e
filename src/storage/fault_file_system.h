#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/file_system.h"
#include "storage/unsynced_changes.h"

namespace millpond {

/// What happens at a call.
enum class Fault {
  kIoError,     ///< It fails with kIoError and does nothing.
  kOutOfSpace,  ///< It fails with kOutOfSpace if it needs space (create, write, make, append); others go through.
  kShortWrite,  ///< A write stores half of its bytes and fails with kOutOfSpace; others go through.
  kLostRename,  ///< A rename or exchange says it succeeded and does nothing, as a broken store might; others go
                ///< through.
  kKillBefore,  ///< The process ends with _exit(137) before the call.
  kKillAfter,   ///< The process ends with _exit(137) after the call.
  kStop,        ///< This and all later calls fail and do nothing: a kill as seen from inside the process.
};

/// When to fail.
struct FaultPlan {
  Fault fault = Fault::kIoError;
  std::int64_t at_call = -1;     ///< The call that fails, counted from 0; -1: none by number.
  bool is_sticky = false;        ///< All calls after it fail too: the disk stays full.
  double probability = 0;        ///< Each call fails by this chance as well.
  std::uint64_t seed = 0;        ///< For `probability`.
  std::int64_t max_faults = -1;  ///< No more faults than this; -1: no limit.

  /// "out_of_space@17", "io_error@17+" (sticky), "kill_after@3", "io_error~0.01/42" (probability/seed).
  static Result<FaultPlan> parse(const std::string& text);
};

/// Passes calls on to another file system, counts them and lets them fail as planned, so that a test can try every call
/// of a program in turn. Calls on open files count too. Remembers what was not synced yet, for power_cut().
/// Thread-safe.
class FaultFileSystem final : public FileSystem {
 public:
  explicit FaultFileSystem(std::shared_ptr<FileSystem> base) : base_(std::move(base)) {}

  /// Sets a plan and counts from 0 again; nothing fails without one.
  void set_plan(std::optional<FaultPlan> plan);

  /// Lets `hook` see every call (as in the log, without its number) before it is carried out; so that a test can let
  /// another writer act in between. Called without locks; empty to stop. Set before threads use this.
  void set_hook(std::function<void(const std::string& call)> hook) { hook_ = std::move(hook); }

  /// Calls since the plan was set.
  std::int64_t calls() const;
  /// Faults since the plan was set.
  std::int64_t faults() const;
  /// A line for each call since the plan was set: "12 rename_no_replace /a -> /b", with "!" after the number where it
  /// failed.
  std::vector<std::string> log() const;

  /// Undoes on the disk what a power cut may: contents that were not synced are gone, names that were not synced are as
  /// before. For folders of this machine that nobody else works in.
  void power_cut();

  Result<FileInfo> stat(const std::string& path) override;
  Result<std::vector<FileInfo>> list(const std::string& directory) override;
  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override;
  Status make_directories(const std::string& path, unsigned mode) override;
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status rename_no_replace(const std::string& from, const std::string& to) override;
  Status rename_replace(const std::string& from, const std::string& to) override;
  Status exchange(const std::string& a, const std::string& b) override;
  Status sync_directory(const std::string& path) override;
  Status apply_default_mode(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> open_append(const std::string& path) override;

 private:
  friend class FaultReadableFile;
  friend class FaultWritableFile;

  enum class Kind { kRead, kWrite, kSpace, kRename, kOther };
  /// What to do with the call that begins.
  struct Verdict {
    std::int64_t number = 0;
    std::optional<Fault> fault;
    bool is_last = false;  ///< End the process after it.
  };
  Verdict begin(Kind kind, const std::string& call);
  static Status failure(const Verdict& verdict, const std::string& call);
  static void end(const Verdict& verdict);
  bool is_hit(std::int64_t number);
  static bool concerns(Fault fault, Kind kind);
  Status change(Kind kind, const std::string& call, const std::function<Status()>& action);

  const std::shared_ptr<FileSystem> base_;
  mutable std::mutex mutex_;
  std::optional<FaultPlan> plan_;
  std::optional<SeededRandom> random_;
  std::int64_t calls_ = 0;
  std::int64_t faults_ = 0;
  std::vector<std::string> log_;
  UnsyncedChanges unsynced_;
  std::function<void(const std::string&)> hook_;
};

}  // namespace millpond
