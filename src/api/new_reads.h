#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "data/slice.h"
#include "job/seen_files.h"
#include "millpond/result.h"
#include "plan/node.h"
#include "storage/file_system.h"

namespace millpond {

/// A session's reads of files that are new by a name, and what became of them. Thread-safe.
class NewReads {
 public:
  NewReads(std::shared_ptr<FileSystem> files, std::string data_root, std::string job_id)
      : files_(std::move(files)), data_root_(std::move(data_root)), job_id_(std::move(job_id)) {}

  /// Leaves in `found` only the files that are new. Errors as SeenFiles::open.
  Result<ScanOp::NewRead> take(const std::string& name, std::vector<FileSlice>& found);

  /// An action on these frames ended. A read whose rows it needed is done, if it succeeded and no limit stood between.
  void note(const std::vector<NodePtr>& roots, bool has_succeeded);

  /// Makes the files of reads that are done count as seen; not of those that frames need whose last action failed.
  Status finish();

  /// Whether files were read that finish() has not seen to.
  bool has_unfinished() const;

  /// Lets other sessions read by these names.
  void close();

 private:
  using Reads = std::set<ScanOp::NewRead>;

  const std::shared_ptr<FileSystem> files_;
  const std::string data_root_;
  const std::string job_id_;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<SeenFiles>> names_;
  Reads open_;                           ///< Reads that gave files.
  Reads done_;
  std::map<std::string, Reads> failed_;  ///< By what was to be done.
};

}  // namespace millpond
