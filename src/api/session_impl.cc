#include "api/session_impl.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "api/session_options.h"
#include "api/worker_info.h"
#include "base/hash.h"
#include "base/ids.h"
#include "job/write_commit.h"
#include "job/write_notes.h"
#include "runner/inbox.h"
#include "runner/inline_runner.h"
#include "runner/process_runner.h"
#include "runner/routed_runner.h"
#include "runner/thread_runner.h"
#include "storage/usrbio_mounts.h"

namespace millpond {
Result<std::unique_ptr<Session::Impl>> Session::Impl::open(SessionOptions options,
                                                            std::shared_ptr<FileSystem> files) {
  std::unique_ptr<Impl> impl(new Impl());
  const bool had_id = !options.job_id.empty();
  MILLPOND_ASSIGN_OR_RETURN(impl->options_, complete_options(std::move(options)));
  impl->has_given_id_ = had_id;
  impl->files_ = std::move(files);
  MILLPOND_RETURN_IF_ERROR(impl->open_job_directory());
  MILLPOND_RETURN_IF_ERROR(impl->open_engines());
  MILLPOND_RETURN_IF_ERROR(impl->open_runner());
  return impl;
}

Session::Impl::~Impl() { (void)shutdown(); }

Status Session::Impl::open_engines() {
  EngineOptions engine;
  engine.threads = options_.threads;
  engine.memory_limit_bytes = options_.memory_limit;
  engine.temp_directory = job_directory_ + "/temp";
  MILLPOND_ASSIGN_OR_RETURN(engine_, Engine::open(engine, files_));
  MILLPOND_ASSIGN_OR_RETURN(store_, ResultStore::open(files_, state_directory_,
                                                      engine_->duckdb_version() + "/hash-" + std::to_string(kHashVersion) +
                                                          "/task-" + std::to_string(kTaskVersion)));
  kept_ = std::make_unique<KeptResults>(files_, *store_, options_.disk_quota);
  return Status::ok();
}

Engine& Session::Impl::planner() { return *engine_; }

Result<Engine*> Session::Impl::cutter() {
  const std::lock_guard lock(cutter_mutex_);
  if (cutter_ == nullptr) {
    EngineOptions options;
    options.threads = 1;
    options.planner = true;
    MILLPOND_ASSIGN_OR_RETURN(cutter_, Engine::open(options, files_));
  }
  return cutter_.get();
}

Status Session::Impl::open_runner() {
  const RunTask run = [this](const Task& task, const std::atomic<bool>& cancel) {
    return engine_->run_task(task, {}, cancel);
  };
  const auto store_settings = [store = options_.object_store] { return store ? store->settings() : std::string(); };
  auto inbox = std::make_shared<Inbox>();
  std::unique_ptr<Runner> calls;
  if (options_.worker_launcher) {
    ProcessRunnerOptions elsewhere;
    elsewhere.launcher = options_.worker_launcher;
    elsewhere.info = worker_info(*engine_);
    elsewhere.store_settings = store_settings;
    MILLPOND_ASSIGN_OR_RETURN(runner_, make_process_runner(std::move(elsewhere), inbox));
    return Status::ok();
  }
  if (!options_.worker_command.empty()) {
    EngineOptions worker;
    worker.threads = 1;
    worker.temp_directory = job_directory_ + "/temp";
    ProcessRunnerOptions processes;
    processes.command = options_.worker_command;
    for (auto& argument : worker_arguments(worker)) processes.command.push_back(std::move(argument));
    processes.slots = options_.threads;
    processes.memory_bytes = options_.memory_limit;
    processes.gpus = options_.gpus;
    processes.resources = options_.resources;
    processes.log_directory = job_directory_ + "/workers";
    processes.info = worker_info(*engine_);
    processes.store_settings = store_settings;
    MILLPOND_ASSIGN_OR_RETURN(calls, make_process_runner(std::move(processes), inbox));
  }
  if (options_.runner == "processes") {
    if (!calls) {
      return Status::invalid_argument("runner is \"processes\" but worker_command is empty",
                                      "set the program that a worker runs, or use the threads runner");
    }
    runner_ = std::move(calls);
    return Status::ok();
  }
  auto local = options_.runner == "inline" ? make_inline_runner(run, inbox) : make_thread_runner(run, options_.threads, inbox);
  runner_ = calls ? make_routed_runner(std::move(local), std::move(calls)) : std::move(local);
  return Status::ok();
}

std::int64_t Session::Impl::spread() const {
  return options_.worker_launcher ? std::max<std::int64_t>(runner_->slots(), 1) : options_.threads;
}

Status Session::Impl::note_table_write(const std::string& folder) {
  {
    std::lock_guard lock(mutex_);
    table_writes_.insert(folder);
  }
  return millpond::note_table_write(*files_, state_directory_, folder);
}

Status Session::Impl::finish_table_write(const std::string& folder) {
  {
    std::lock_guard lock(mutex_);
    table_writes_.erase(folder);
  }
  return millpond::finish_table_write(*files_, state_directory_, folder);
}

Status Session::Impl::shutdown() {
  cancelled_ = true;
  std::lock_guard running(run_mutex_);
  std::lock_guard lock(mutex_);
  if (is_shut_down_) return Status::ok();
  is_shut_down_ = true;
  if (runner_) runner_->shutdown();
  Status status;
  if (store_) status = store_->sync();
  if (!has_given_id_) {
    for (const StageWrite& write : unfinished_writes_) {
      Status discarded = discard_write(*files_, write, {options_.job_id, {}, {}});
      if (discarded.is_ok()) discarded = forget_write(*files_, state_directory_, write.path);
      if (status.is_ok()) status = discarded;
    }
    for (const std::string& folder : table_writes_) {
      const Status forgotten = millpond::finish_table_write(*files_, state_directory_, folder);
      if (status.is_ok()) status = forgotten;
    }
  }
  if (kept_) kept_->forget_all();
  if (new_reads_) new_reads_->close();
  // Without the lease, what is there is somebody else's.
  const Status left = lease_ ? leave_directories() : Status::ok();
  if (status.is_ok()) status = left;
  store_lease_.reset();
  lease_.reset();
  return status;
}

void Session::Impl::cancel() {
  cancelled_ = true;
  if (runner_) runner_->wake();
}

void Session::Impl::set_progress(ProgressCallback callback) {
  std::lock_guard lock(mutex_);
  progress_ = std::move(callback);
}

void Session::Impl::warn(const std::string& message, const std::string& location) {
  std::lock_guard lock(mutex_);
  if (warned_.insert(location + message).second) warnings_.push_back(message);
}

std::vector<std::string> Session::Impl::take_warnings() {
  std::vector<std::string> warnings = take_usrbio_warnings();
  std::lock_guard lock(mutex_);
  std::ranges::move(std::exchange(warnings_, {}), std::back_inserter(warnings));
  return warnings;
}

void Session::Impl::remember_frame(const NodePtr& node) {
  std::lock_guard lock(mutex_);
  if (frames_.size() >= prune_frames_at_) {
    std::erase_if(frames_, [](const auto& frame) { return frame.expired(); });
    prune_frames_at_ = std::max<std::size_t>(1024, 2 * frames_.size());
  }
  frames_.push_back(node);
}

std::vector<NodePtr> Session::Impl::frames() const {
  std::lock_guard lock(mutex_);
  std::vector<NodePtr> alive;
  for (const auto& frame : frames_) {
    if (auto node = frame.lock()) alive.push_back(std::move(node));
  }
  return alive;
}

Result<std::pair<std::string, std::string>> Session::Impl::store_function(const std::string& bytes) {
  const std::string digest = xxh3_128_hex(bytes);
  const std::string path = job_directory_ + "/functions/" + digest;
  if (files_->stat(path).is_ok()) return std::pair(path, digest);
  // Written under another name first, so that what is there under the digest is whole.
  const std::string temporary = path + "." + random_name();
  MILLPOND_ASSIGN_OR_RETURN(auto file, files_->create(temporary));
  MILLPOND_RETURN_IF_ERROR(file->write_at(0, std::as_bytes(std::span(bytes))));
  MILLPOND_RETURN_IF_ERROR(file->close());
  MILLPOND_RETURN_IF_ERROR(files_->rename_replace(temporary, path));
  return std::pair(path, digest);
}

std::string Session::Impl::new_values_directory() { return job_directory_ + "/values/" + random_name(); }

}  // namespace millpond
