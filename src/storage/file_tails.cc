#include "storage/file_tails.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millpond {
namespace {

class TailedFile final : public ReadableFile {
 public:
  TailedFile(std::unique_ptr<ReadableFile> file, const FileInfo& known, std::shared_ptr<FileTails> tails)
      : file_(std::move(file)),
        size_(known.size),
        begin_(known.size - FileTails::kTailBytes),
        key_(known.tag + " " + known.path),
        tails_(std::move(tails)) {}

  Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) override {
    if (offset < begin_ || offset >= size_) return file_->read_at(offset, out);
    FileTails::Tail tail = tails_->find(key_);
    if (tail == nullptr) {
      auto read = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(size_ - begin_));
      MILLPOND_ASSIGN_OR_RETURN(const std::size_t got, file_->read_at(begin_, *read));
      if (got != read->size()) return file_->read_at(offset, out);  // It ends too early, which it tells itself.
      tail = std::move(read);
      tails_->keep(key_, tail);
    }
    const auto skipped = static_cast<std::size_t>(offset - begin_);
    const std::size_t count = std::min(out.size(), tail->size() - skipped);
    std::memcpy(out.data(), tail->data() + skipped, count);
    return count;
  }
  Result<FileInfo> info() override { return file_->info(); }

 private:
  const std::unique_ptr<ReadableFile> file_;
  const std::int64_t size_;
  const std::int64_t begin_;
  const std::string key_;
  const std::shared_ptr<FileTails> tails_;
};

}  // namespace

FileTails::Tail FileTails::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(key);
  if (found == places_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found->second);
  return found->second->tail;
}

void FileTails::keep(const std::string& key, Tail tail) {
  const std::lock_guard lock(mutex_);
  if (places_.contains(key)) return;
  kept_.push_front({key, std::move(tail)});
  places_[key] = kept_.begin();
  if (kept_.size() <= kMostTails) return;
  places_.erase(kept_.back().key);
  kept_.pop_back();
}

std::unique_ptr<ReadableFile> with_known_tail(std::unique_ptr<ReadableFile> file, const FileInfo& known,
                                              std::shared_ptr<FileTails> tails) {
  return std::make_unique<TailedFile>(std::move(file), known, std::move(tails));
}

}  // namespace millpond
