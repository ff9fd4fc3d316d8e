#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "storage/file_system.h"

namespace millpond {

/// The job's report: one JSON object a line in `job_directory`/events.jsonl. A log that can't be written never stops the job:
/// lines are counted as dropped instead. Thread-safe.
class EventLog {
 public:
  EventLog(std::shared_ptr<FileSystem> files, std::string path, const Clock& clock);

  /// Adds {"time": seconds since the epoch, "event": name, …}.
  void write(const std::string& event, Json fields);

  const std::string& path() const { return path_; }
  std::int64_t num_dropped() const;

 private:
  std::shared_ptr<FileSystem> files_;
  std::string path_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unique_ptr<WritableFile> file_;
  std::int64_t num_dropped_ = 0;
};

}  // namespace millpond
