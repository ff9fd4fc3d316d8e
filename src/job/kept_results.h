#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/slice.h"
#include "job/result_store.h"
#include "millpond/result.h"
#include "millpond/schema.h"
#include "storage/file_system.h"

namespace millpond {

/// The rows of a plan node, as finished tasks left them in the job's folder.
struct KeptResult {
  std::vector<std::vector<SegmentSlice>> partitions;
  Schema schema;
  /// Rows are not in the partitions that the node says. Whoever relies on these deals them again.
  bool lies_otherwise = false;
};

/// Holding one keeps its files on disk.
using KeptResultPtr = std::shared_ptr<const KeptResult>;

/// What a finished task left in the job's folder: one exchange file.
struct StoredOutput {
  std::string fingerprint;       ///< The task's, under which the ResultStore knows it.
  std::string path;
  std::int64_t num_bytes = 0;
  bool is_repeatable = true;     ///< Running the task again gives the same rows, so its files may go.
};

/// Results that later actions of a session reuse instead of computing them anew, within a disk quota. Thread-safe.
class KeptResults {
 public:
  /// `quota`: bytes that the outputs may fill; 0: no limit.
  KeptResults(std::shared_ptr<FileSystem> files, ResultStore& store, std::int64_t quota)
      : files_(std::move(files)), store_(store), quota_(quota) {}

  /// The result kept for a node, by its fingerprint. Null when there is none, or when a file of it is not there any more:
  /// it is forgotten then, to be computed again. Costs one stat a file.
  KeptResultPtr find(const std::string& fingerprint);

  void keep(const std::string& fingerprint, KeptResult result);
  void forget(const std::string& fingerprint);
  void forget_all();

  /// Notes what tasks left, the same file once.
  void add_outputs(std::vector<StoredOutput> outputs);

  /// Removes outputs until they are within the quota, those first that were made or read longest ago, and forgets the
  /// results that need them. What somebody holds a result of, and what can't be made again as it was, stays.
  void make_room();

  /// Forgets the results that a file belongs to, and what its task left; they can't be read. False when there is none.
  bool forget_file(const std::string& path);

  /// Bytes of all outputs noted.
  std::int64_t num_bytes() const;

 private:
  struct Entry {
    KeptResultPtr result;
    std::vector<std::string> paths;  ///< Of the files that hold its rows, each once.
    std::int64_t last_used = 0;
  };
  struct Output {
    StoredOutput stored;
    std::int64_t last_used = 0;
  };
  /// The names of the results that need each file.
  using Users = std::map<std::string, std::vector<std::string>>;

  Users users() const;
  bool is_held(const std::vector<std::string>& fingerprints) const;
  void remove(const Output& output);

  std::shared_ptr<FileSystem> files_;
  ResultStore& store_;
  const std::int64_t quota_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> kept_;
  std::map<std::string, Output> outputs_;  ///< By path.
  std::int64_t num_bytes_ = 0;
  std::int64_t now_ = 0;                   ///< Counts uses.
};

}  // namespace millpond
