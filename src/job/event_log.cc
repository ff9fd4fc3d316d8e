#include "job/event_log.h"

#include <array>
#include <span>
#include <utility>

namespace millpond {
namespace {

/// Whether a kill or a full disk cut the last line short.
bool ends_within_a_line(FileSystem& files, const std::string& path) {
  const auto file = files.open(path);
  if (!file.is_ok()) return false;
  const auto info = (*file)->info();
  if (!info.is_ok() || info->size == 0) return false;
  std::array<std::byte, 1> last{};
  const auto got = (*file)->read_at(info->size - 1, last);
  return got.is_ok() && *got == 1 && last[0] != std::byte{'\n'};
}

}  // namespace

EventLog::EventLog(std::shared_ptr<FileSystem> files, std::string path, const Clock& clock)
    : files_(std::move(files)), path_(std::move(path)), clock_(clock) {}

void EventLog::write(const std::string& event, Json fields) {
  Json line = Json::object({{"time", static_cast<double>(clock_.now_ns()) / 1e9}, {"event", event}});
  if (fields.is_object()) {
    for (auto& [key, value] : fields.as_object()) line.set(key, std::move(value));
  }
  std::string text = line.dump() + "\n";
  std::lock_guard lock(mutex_);
  if (!file_) {
    auto file = files_->open_append(path_);
    if (!file.is_ok()) {
      ++num_dropped_;
      return;
    }
    file_ = std::move(*file);
    if (ends_within_a_line(*files_, path_)) text.insert(0, "\n");
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
