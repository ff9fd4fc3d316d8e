#include "storage/store_journal.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "storage/parent_path.h"
#include "storage/store_reads.h"

namespace millpond {
namespace {

// How far apart objects are sent while records come, at least: a kill loses no more than what waits.
constexpr std::chrono::milliseconds kPace{100};
// How long a store that does not answer is asked again.
constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kPause{200};
constexpr int kMaxRaces = 8;
constexpr std::int64_t kCheckpointAfter = 64;
constexpr std::size_t kDigits = 12;
const std::string kCheckpoint = "checkpoint-";

std::string digits(std::int64_t number) {
  char text[24];
  std::snprintf(text, sizeof(text), "%012lld", static_cast<long long>(number));
  return text;
}

std::optional<std::int64_t> number_of(const std::string& text) {
  if (text.size() != kDigits || text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::stoll(text);
}

// What lies in a journal's folder.
struct Folder {
  std::int64_t next = 0;                   // The first number without an object.
  std::int64_t begin = 0;                  // The checkpoint holds what is below.
  std::optional<std::string> checkpoint;   // The last one.
  std::vector<std::string> old;            // Checkpoints before it.
};

Result<Folder> look(ObjectStore& store, const std::string& folder) {
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, store.list_all(folder));
  Folder found;
  for (const ObjectInfo& object : objects) {
    const std::string name = base_name(object.path);
    if (const auto number = number_of(name)) {
      found.next = std::max(found.next, *number + 1);
    } else if (name.starts_with(kCheckpoint)) {
      const auto begin = number_of(name.substr(kCheckpoint.size()));
      if (!begin) continue;
      if (found.checkpoint) found.old.push_back(*found.checkpoint);
      found.checkpoint = object.path;  // Listed in the order of their names.
      found.begin = *begin;
    }
  }
  return found;
}

// Makes an object that must not be there; one with this very content is an earlier try's.
Status make_object(ObjectStore& store, const std::string& path, const std::string& content) {
  const Status status = store.put_if(path, content, "");
  if (status.code() != StatusCode::kConflict) return status;
  const Result<TaggedObject> there = store.get(path);
  return there.is_ok() && there->content == content ? Status::ok() : status;
}

std::string object_bytes(const Json& header, const std::string& frames) {
  return journal_preamble() + journal_frame(header.dump()) + frames;
}

class StoreJournal final : public Journal {
 public:
  StoreJournal(std::shared_ptr<FileSystem> files, ObjectStore& store, std::string folder, Json header, std::int64_t next)
      : files_(std::move(files)),
        store_(store),
        folder_(std::move(folder)),
        header_(std::move(header)),
        next_(next),
        sender_([this] { send(); }) {}

  ~StoreJournal() override {
    {
      const std::lock_guard lock(mutex_);
      is_closing_ = true;
    }
    changed_.notify_all();
    sender_.join();
  }

  Status append(const Json& record) override {
    const std::string payload = record.dump();
    MILLPOND_RETURN_IF_ERROR(check_journal_payload(payload, folder_));
    const std::string bytes = journal_frame(payload);
    const std::lock_guard lock(mutex_);
    if (!broken_.is_ok()) return broken_;
    waiting_ += bytes;
    changed_.notify_all();
    return Status::ok();
  }

  // An object without records is made as well: it proves that nobody else has the journal.
  Status sync() override {
    std::unique_lock lock(mutex_);
    const std::int64_t mine = ++asked_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !broken_.is_ok() || answered_ >= mine; });
    return broken_;
  }

 private:
  bool has_work() const { return asked_ > answered_ || !waiting_.empty(); }

  void send() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return is_closing_ || (broken_.is_ok() && has_work()); });
      if (!broken_.is_ok() || !has_work()) return;  // Closing.
      const std::string bytes = object_bytes(header_, std::exchange(waiting_, {}));
      const std::int64_t answers = asked_;
      lock.unlock();
      const Status status = make_patiently(folder_ + "/" + digits(next_), bytes);
      lock.lock();
      if (status.is_ok()) {
        ++next_;
        answered_ = std::max(answered_, answers);
      } else {
        broken_ = status;
      }
      changed_.notify_all();
      changed_.wait_for(lock, kPace, [this] { return is_closing_ || asked_ > answered_; });
    }
  }

  Status make_patiently(const std::string& path, const std::string& bytes) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      Status status = make_object(store_, path, bytes);
      if (status.code() == StatusCode::kConflict) return taken();
      if (status.code() != StatusCode::kUnavailable || std::chrono::steady_clock::now() > end) return status;
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, kPause, [this] { return is_closing_; })) return status;
    }
  }

  Status taken() const {
    ErrorContext context;
    context.file = folder_;
    return Status(StatusCode::kConflict, "another driver has taken over the job in \"" + parent_path(folder_) + "\"",
                  "That one goes on with it. Give each program a job_id of its own.")
        .with_context(context);
  }

  const std::shared_ptr<FileSystem> files_;  // Holds the store.
  ObjectStore& store_;
  const std::string folder_;
  const Json header_;
  std::int64_t next_;  // The sender's.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;  // Frames.
  std::int64_t asked_ = 0;
  std::int64_t answered_ = 0;
  Status broken_;
  bool is_closing_ = false;
  std::thread sender_;
};

// Takes the next number, so that who had the journal before can't add to it any more.
Result<Folder> take_over(ObjectStore& store, const std::string& folder, const Json& header) {
  for (int race = 0;; ++race) {
    MILLPOND_ASSIGN_OR_RETURN(Folder found, look(store, folder));
    const Status made = make_object(store, folder + "/" + digits(found.next), object_bytes(header, ""));
    if (made.is_ok()) return found;
    if (made.code() != StatusCode::kConflict || race == kMaxRaces) return made;
  }
}

std::vector<std::string> objects_to_read(const Folder& found, const std::string& folder) {
  std::vector<std::string> paths;
  if (found.checkpoint) paths.push_back(*found.checkpoint);
  for (std::int64_t number = found.begin; number < found.next; ++number) paths.push_back(folder + "/" + digits(number));
  return paths;
}

Status parse_objects(const std::vector<std::string>& paths, const std::vector<Result<TaggedObject>>& objects, JournalContent& content) {
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (objects[i].status().code() == StatusCode::kNotFound) {
      ErrorContext context;
      context.file = paths[i];
      return Status::data_corrupt("the journal lacks its object \"" + paths[i] + "\"",
                                  "Remove the job with `millpond clean`, or run under another job id; everything is then computed anew.")
          .with_context(context);
    }
    if (!objects[i].is_ok()) return objects[i].status();
    JournalContent part;
    MILLPOND_RETURN_IF_ERROR(parse_journal(objects[i]->content, paths[i], part).status());
    if (part.is_torn) return Status::data_corrupt("the journal's object \"" + paths[i] + "\" is damaged");
    if (i == 0) content.header = std::move(part.header);
    for (Json& record : part.records) content.records.push_back(std::move(record));
  }
  return Status::ok();
}

// Nothing depends on it: without one, more is read.
void write_checkpoint(ObjectStore& store, const Folder& found, const std::string& folder, const JournalContent& content) {
  std::string frames;
  for (const Json& record : content.records) frames += journal_frame(record.dump());
  const std::string path = folder + "/" + kCheckpoint + digits(found.next);
  if (!make_object(store, path, object_bytes(content.header, frames)).is_ok()) return;
  std::vector<std::string> old = found.old;
  if (found.checkpoint) old.push_back(*found.checkpoint);
  (void)store.remove(old);
}

}  // namespace

Result<Journal::Opened> open_store_journal(std::shared_ptr<FileSystem> files, const std::string& folder, const Json& header) {
  ObjectStore& store = *files->store_of(folder);
  Json ours = header;
  ours.set("driver", random_name());  // No two drivers make the same object.
  MILLPOND_ASSIGN_OR_RETURN(const Folder found, take_over(store, folder, ours));
  const std::vector<std::string> paths = objects_to_read(found, folder);
  Journal::Opened opened;
  opened.content.header = ours;
  MILLPOND_RETURN_IF_ERROR(parse_objects(paths, get_all(store, paths), opened.content));
  if (found.next - found.begin > kCheckpointAfter) write_checkpoint(store, found, folder, opened.content);
  opened.journal = std::make_unique<StoreJournal>(std::move(files), store, folder, std::move(ours), found.next + 1);
  return opened;
}

}  // namespace millpond
