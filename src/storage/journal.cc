#include "storage/journal.h"

#include <mutex>
#include <span>
#include <utility>

#include "storage/file_content.h"
#include "storage/parent_path.h"
#include "storage/store_journal.h"

namespace millpond {
namespace {

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class FileJournal final : public Journal {
 public:
  FileJournal(std::string path, std::unique_ptr<WritableFile> file) : path_(std::move(path)), file_(std::move(file)) {}

  Status append(const Json& record) override {
    const std::string payload = record.dump();
    MILLPOND_RETURN_IF_ERROR(check_journal_payload(payload, path_));
    const std::string bytes = journal_frame(payload);
    const std::lock_guard lock(mutex_);
    if (!broken_.is_ok()) return broken_;
    broken_ = file_->write_at(0, as_bytes(bytes));
    return broken_;
  }

  Status sync() override {
    const std::lock_guard lock(mutex_);
    if (!broken_.is_ok()) return broken_;
    broken_ = file_->sync();
    return broken_;
  }

 private:
  const std::string path_;
  std::mutex mutex_;
  std::unique_ptr<WritableFile> file_;
  Status broken_;
};

Status make_journal(FileSystem& files, const std::string& path, const Json& header) {
  MILLPOND_RETURN_IF_ERROR(write_file(files, path, journal_preamble() + journal_frame(header.dump())));
  return files.sync_directory(parent_path(path));
}

}  // namespace

Result<JournalContent> read_journal(FileSystem& files, const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(const std::string bytes, read_file(files, path));
  JournalContent content;
  MILLPOND_RETURN_IF_ERROR(parse_journal(bytes, path, content).status());
  return content;
}

Status check_journal_payload(const std::string& payload, const std::string& path) {
  if (payload.size() <= kMaxJournalPayload) return Status::ok();
  return Status::unsupported("a record of " + std::to_string(payload.size()) + " bytes is too large for the journal \"" + path +
                             "\"");
}

Result<Journal::Opened> Journal::open(std::shared_ptr<FileSystem> files, const std::string& path, const Json& header) {
  if (files->store_of(path) != nullptr) return open_store_journal(std::move(files), path, header);
  Result<std::string> bytes = read_file(*files, path);
  if (bytes.status().code() == StatusCode::kNotFound) {
    MILLPOND_RETURN_IF_ERROR(make_journal(*files, path, header));
    bytes = read_file(*files, path);
  }
  if (!bytes.is_ok()) return bytes.status();

  Opened opened;
  MILLPOND_ASSIGN_OR_RETURN(const std::size_t good, parse_journal(*bytes, path, opened.content));
  if (opened.content.is_torn) {
    MILLPOND_RETURN_IF_ERROR(write_file(*files, path, std::string_view(*bytes).substr(0, good)));
    MILLPOND_RETURN_IF_ERROR(files->sync_directory(parent_path(path)));
  }
  MILLPOND_ASSIGN_OR_RETURN(auto file, files->open_append(path));
  opened.journal = std::make_unique<FileJournal>(path, std::move(file));
  return opened;
}

}  // namespace millpond
