#include "job/event_log.h"

#include <span>
#include <utility>

namespace millpond {

EventLog::EventLog(std::shared_ptr<FileSystem> files, std::string path, const Clock& clock)
    : files_(std::move(files)), path_(std::move(path)), clock_(clock) {}

void EventLog::write(const std::string& event, Json fields) {
  Json line = Json::object({{"time", static_cast<double>(clock_.now_ns()) / 1e9}, {"event", event}});
  if (fields.is_object()) {
    for (auto& [key, value] : fields.as_object()) line.set(key, std::move(value));
  }
  const std::string text = line.dump() + "\n";
  std::lock_guard lock(mutex_);
  if (!file_) {
    auto file = files_->open_append(path_);
    if (!file.is_ok()) {
      ++num_dropped_;
      return;
    }
    file_ = std::move(*file);
  }
  if (!file_->write_at(0, std::as_bytes(std::span(text))).is_ok()) {
    ++num_dropped_;
    file_.reset();
  }
}

std::int64_t EventLog::num_dropped() const {
  std::lock_guard lock(mutex_);
  return num_dropped_;
}

}  // namespace millpond
