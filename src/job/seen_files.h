#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "data/slice.h"
#include "millpond/result.h"
#include "storage/file_system.h"
#include "storage/journal.h"
#include "storage/lease.h"

namespace millpond {

/// Which files the finished runs of a name have read, and what the run under way reads. A file is known by its path, size,
/// time and tag: one that was changed is a new one. Held by one live session at a time. Thread-safe.
///
/// Lies in `data_root`/.new_only/`name`: a journal of runs, each a record that it began, one for each of its reads, and one
/// that it finished, which alone makes its files count as seen. Whatever ends a run before leaves them new.
class SeenFiles {
 public:
  /// kInvalidArgument for a name that is no plain word, kConflict while another session reads by it.
  static Result<std::unique_ptr<SeenFiles>> open(std::shared_ptr<FileSystem> files, const std::string& data_root,
                                                 const std::string& name, const std::string& job_id);

  /// A read of this run: its number, and which of the files that were found it is of.
  struct Read {
    std::int64_t number = 0;
    std::vector<FileSlice> files;
  };
  /// Those of `found` that no finished run has read as they are now. Where the last run of this job did not finish, the same
  /// read of it decides, as long as its files are still there and new: what came since waits for the next run.
  Result<Read> take_new(const std::vector<FileSlice>& found);

  /// Makes the files of these reads count as seen, in one step that survives a power cut.
  Status finish(const std::set<std::int64_t>& reads);

 private:
  /// A file as it was: bytes, nanoseconds, tag.
  using Identity = std::tuple<std::int64_t, std::int64_t, std::string>;
  using Files = std::map<std::string, Identity>;
  static Json files_to_json(const Files& files);
  static Status files_from_json(const Json& record, Files& files);

  SeenFiles(std::string job_id, std::unique_ptr<Lease> lease) : job_id_(std::move(job_id)), lease_(std::move(lease)) {}
  Status replay(const std::vector<Json>& records);
  Status begin();
  Status rewrite(const std::shared_ptr<FileSystem>& files, const std::string& path, const Json& header);
  bool is_new(const FileSlice& file) const;
  static bool is_same(const Identity& recorded, const Identity& now);

  const std::string job_id_;
  const std::unique_ptr<Lease> lease_;
  std::mutex mutex_;
  std::unique_ptr<Journal> journal_;
  Files seen_;
  std::string last_job_;                        ///< Whose reads `reads_` and `earlier_` are.
  std::map<std::int64_t, Files> reads_;         ///< Of the run under way, or of the last one that did not finish.
  std::map<std::int64_t, Files> earlier_;       ///< Of unfinished runs of this job before it.
  std::int64_t next_read_ = 0;
};

}  // namespace millpond
