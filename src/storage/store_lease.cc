#include "storage/store_lease.h"

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "storage/process_identity.h"

namespace millpond {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kMaxRaces = 100;

std::string path_in(const std::string& directory) { return directory + "/lease"; }

Status taken(const std::string& directory, const Json& holder) {
  ErrorContext context;
  context.file = path_in(directory);
  return Status(StatusCode::kConflict, "\"" + directory + "\" is in use by " + name_of_process(holder),
                "Wait until it has ended, or choose another job id.")
      .with_context(context);
}

Status lost(const std::string& directory) {
  ErrorContext context;
  context.file = path_in(directory);
  return Status(StatusCode::kConflict, "another driver has taken over the job in \"" + directory + "\", or removed it",
                "This one had not reached the store for a while. Give each program a job_id of its own.")
      .with_context(context);
}

// What is known of a lease that somebody has: whether it may be taken, and with which tag.
struct Watched {
  std::string tag;
  SteadyClock::time_point since;
};

Result<bool> may_be_taken(const Json& holder, const std::string& tag, const std::string& directory, Watched& watched,
                          const StoreLeaseTimes& times) {
  if (is_surely_dead(holder)) return true;
  if (is_surely_alive(holder)) return taken(directory, holder);
  const auto now = SteadyClock::now();
  if (watched.tag.empty()) watched = {tag, now};
  if (watched.tag != tag) return taken(directory, holder);
  return now - watched.since >= times.patience;
}

// Writes `content` in the place of the lease with this tag, or of none; false when somebody else was faster.
Result<bool> put(ObjectStore& store, const std::string& path, const std::string& content, const std::string& tag) {
  const Status status = store.put_if(path, content, tag);
  if (status.is_ok()) return true;
  if (status.code() != StatusCode::kConflict) return status;
  const Result<TaggedObject> there = store.get(path);
  return there.is_ok() && there->content == content;  // Then an earlier try went through.
}

Status take(ObjectStore& store, const std::string& directory, const std::string& content, const StoreLeaseTimes& times) {
  const std::string path = path_in(directory);
  Watched watched;
  for (int races = 0;;) {
    MILLPOND_ASSIGN_OR_RETURN(const bool is_new, put(store, path, content, ""));
    if (is_new) return Status::ok();
    const Result<TaggedObject> there = store.get(path);
    if (there.status().code() == StatusCode::kNotFound && ++races < kMaxRaces) continue;  // Given back just now.
    if (!there.is_ok()) return there.status();
    const Result<Json> holder = Json::parse(there->content);
    const Json known = holder.is_ok() ? *holder : Json::object({});
    MILLPOND_ASSIGN_OR_RETURN(const bool is_free, may_be_taken(known, there->tag, directory, watched, times));
    if (is_free) {
      MILLPOND_ASSIGN_OR_RETURN(const bool is_ours, put(store, path, content, there->tag));
      if (is_ours) return Status::ok();
      continue;
    }
    std::this_thread::sleep_for(std::min(times.beat / 5, times.patience / 5));
  }
}

}  // namespace

Result<std::unique_ptr<StoreLease>> StoreLease::acquire(FileSystem& files, const std::string& directory,
                                                        std::function<void()> on_lost, Times times) {
  ObjectStore& store = *files.store_of(directory);
  Json holder = this_process();
  holder.set("version", 1);
  holder.set("token", random_name());
  holder.set("beat", 0);
  MILLPOND_RETURN_IF_ERROR(take(store, directory, holder.dump() + "\n", times));
  return std::unique_ptr<StoreLease>(
      new StoreLease(store, directory, std::move(holder), std::move(on_lost), times));
}

StoreLease::StoreLease(ObjectStore& store, std::string directory, Json holder,
                       std::function<void()> on_lost, Times times)
    : store_(store),
      directory_(std::move(directory)),
      holder_(std::move(holder)),
      token_(holder_.string_or("token", "")),
      on_lost_(std::move(on_lost)),
      times_(times),
      beating_([this] { beat_until_the_end(); }) {}

StoreLease::~StoreLease() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  changed_.notify_all();
  beating_.join();
  // Between the look and the removal nobody may take it: we have just been alive.
  if (confirm().is_ok()) (void)store_.remove({path_in(directory_)});
}

Status StoreLease::check() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

Status StoreLease::note_lost(Status why) {
  {
    const std::lock_guard lock(mutex_);
    if (!lost_.is_ok()) return lost_;
    lost_ = std::move(why);
  }
  if (on_lost_) on_lost_();
  return check();
}

Status StoreLease::confirm() {
  MILLPOND_RETURN_IF_ERROR(check());
  const Result<TaggedObject> there = store_.get(path_in(directory_));
  if (there.status().code() == StatusCode::kNotFound) return note_lost(lost(directory_));
  if (!there.is_ok()) return there.status();
  const Result<Json> holder = Json::parse(there->content);
  return holder.is_ok() && holder->string_or("token", "") == token_ ? Status::ok() : note_lost(lost(directory_));
}

Status StoreLease::beat() {
  const Result<TaggedObject> there = store_.get(path_in(directory_));
  if (there.status().code() == StatusCode::kNotFound) return note_lost(lost(directory_));
  if (!there.is_ok()) return there.status();
  const Result<Json> holder = Json::parse(there->content);
  if (!holder.is_ok() || holder->string_or("token", "") != token_) return note_lost(lost(directory_));
  holder_.set("beat", holder_.int_or("beat", 0) + 1);
  const Result<bool> is_ours = put(store_, path_in(directory_), holder_.dump() + "\n", there->tag);
  if (!is_ours.is_ok()) return is_ours.status();
  return *is_ours ? Status::ok() : note_lost(lost(directory_));
}

void StoreLease::beat_until_the_end() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, times_.beat, [this] { return is_closing_; })) {
    if (!lost_.is_ok()) return;
    lock.unlock();
    (void)beat();  // A store that does not answer is asked again at the next.
    lock.lock();
  }
}

}  // namespace millpond
