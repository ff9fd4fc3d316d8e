#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "api/session_impl.h"
#include "base/hash.h"
#include "base/ids.h"
#include "storage/data_root.h"
#include "storage/file_content.h"
#include "storage/outlying_files.h"

namespace millpond {
namespace {

constexpr int kMaxRaces = 4;

/// Half of what is free where results are kept; no limit where nobody can tell.
std::int64_t default_disk_quota(const std::string& directory) {
  std::error_code error;
  const auto space = std::filesystem::space(directory, error);
  return error ? 0 : static_cast<std::int64_t>(space.available / 2);
}

/// Jobs of one name in several places share no folder of this machine.
std::string scratch_directory(const SessionOptions& options, const std::string& state_directory) {
  return options.scratch + "/" + options.job_id + "-" + xxh3_64_hex(state_directory).substr(0, 8);
}

/// A session that ends removes its folder; we may come between.
Result<std::unique_ptr<Lease>> make_and_lock(FileSystem& files, const std::string& directory) {
  for (int race = 0;; ++race) {
    MILLPOND_RETURN_IF_ERROR(files.make_directories(directory));
    Result<std::unique_ptr<Lease>> lease = Lease::acquire(directory);
    if (lease.status().code() != StatusCode::kNotFound || race == kMaxRaces) return lease;
  }
}

}  // namespace

Status Session::Impl::open_job_directory() {
  state_directory_ = options_.data_root + "/" + options_.job_id;
  const bool is_on_store = files_->store_of(options_.data_root) != nullptr;
  job_directory_ = is_on_store ? scratch_directory(options_, state_directory_) : state_directory_;
  MILLPOND_RETURN_IF_ERROR(prepare_data_root(is_on_store ? options_.scratch : options_.data_root));
  MILLPOND_ASSIGN_OR_RETURN(lease_, make_and_lock(*files_, job_directory_));
  if (is_on_store) {
    // The job in hand ends when it sees that it was cancelled.
    MILLPOND_RETURN_IF_ERROR(files_->make_directories(state_directory_));
    MILLPOND_ASSIGN_OR_RETURN(store_lease_, StoreLease::acquire(*files_, state_directory_, [this] { cancelled_ = true; }));
  }
  if (options_.worker_launcher) {
    files_ = with_outlying_files(std::move(files_), options_.worker_launcher, job_directory_ + "/exchange");
  }
  for (const char* name : {"exchange", "functions", "temp", "values", "workers"}) {
    MILLPOND_RETURN_IF_ERROR(files_->make_directories(job_directory_ + "/" + name));
  }
  if (options_.disk_quota == 0 && !is_on_store) options_.disk_quota = default_disk_quota(job_directory_);
  new_reads_ = std::make_unique<NewReads>(files_, options_.data_root, options_.job_id);
  log_ = std::make_unique<EventLog>(files_, job_directory_ + "/events.jsonl", system_clock());
  return Status::ok();
}

Status Session::Impl::remove_temporary() {
  // After a failure the next run goes on from what is finished.
  const bool is_resumable = has_given_id_ && has_failed_;
  Status status;
  const auto remove = [&](const std::string& path) {
    const Status removed = files_->remove_tree(path);
    if (status.is_ok()) status = removed;
  };
  if (!is_resumable) remove(state_directory_ + "/exchange");
  // The journal and the report stay; all else can be made again.
  for (const char* name : {"functions", "temp", "values", "workers"}) remove(job_directory_ + "/" + name);
  return status;
}

Status Session::Impl::leave_directories() {
  if (state_directory_ == job_directory_) return options_.keep ? Status::ok() : remove_temporary();
  const Status status = store_lease_ ? leave_store() : Status::ok();
  if (!options_.keep) (void)files_->remove_tree(job_directory_);
  return status;
}

Status Session::Impl::leave_store() {
  // Who has taken over needs what is there.
  MILLPOND_RETURN_IF_ERROR(store_lease_->confirm());
  const std::string name = std::to_string(system_clock().now_ns()) + "-" + random_name() + ".jsonl";
  const Result<std::string> events = read_file(*files_, job_directory_ + "/events.jsonl");
  Status status;
  if (events.is_ok()) status = write_file(*files_, state_directory_ + "/events/" + name, *events);
  if (options_.keep) return status;
  const Status removed = remove_temporary();
  return status.is_ok() ? removed : status;
}

}  // namespace millpond
