#include "storage/fault_file_system.h"

#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <utility>

namespace millpond {

/// Files whose calls count and fail like those of their file system.
class FaultReadableFile final : public ReadableFile {
 public:
  FaultReadableFile(FaultFileSystem& owner, std::unique_ptr<ReadableFile> file, std::string path)
      : owner_(owner), file_(std::move(file)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) override {
    const std::string call = "read_at " + path_;
    const auto verdict = owner_.begin(FaultFileSystem::Kind::kRead, call);
    if (verdict.fault.has_value()) return FaultFileSystem::failure(verdict, call);
    Result<std::size_t> result = file_->read_at(offset, out);
    FaultFileSystem::end(verdict);
    return result;
  }

  Result<FileInfo> info() override {
    const std::string call = "info " + path_;
    const auto verdict = owner_.begin(FaultFileSystem::Kind::kRead, call);
    if (verdict.fault.has_value()) return FaultFileSystem::failure(verdict, call);
    Result<FileInfo> result = file_->info();
    FaultFileSystem::end(verdict);
    return result;
  }

 private:
  FaultFileSystem& owner_;
  const std::unique_ptr<ReadableFile> file_;
  const std::string path_;
};

class FaultWritableFile final : public WritableFile {
 public:
  FaultWritableFile(FaultFileSystem& owner, std::unique_ptr<WritableFile> file, std::string path)
      : owner_(owner), file_(std::move(file)), path_(std::move(path)) {}

  Status write_at(std::int64_t offset, std::span<const std::byte> data) override {
    const std::string call = "write_at " + path_;
    const auto verdict = owner_.begin(FaultFileSystem::Kind::kWrite, call);
    if (verdict.fault == Fault::kShortWrite) (void)file_->write_at(offset, data.first(data.size() / 2));
    if (verdict.fault.has_value()) return FaultFileSystem::failure(verdict, call);
    Status status = file_->write_at(offset, data);
    FaultFileSystem::end(verdict);
    return status;
  }

  Status sync() override {
    return owner_.change(FaultFileSystem::Kind::kOther, "sync " + path_, [&] {
      Status status = file_->sync();
      if (status.is_ok()) owner_.unsynced_.synced_file(path_);
      return status;
    });
  }

  Status close() override {
    return owner_.change(FaultFileSystem::Kind::kOther, "close " + path_, [&] { return file_->close(); });
  }

 private:
  FaultFileSystem& owner_;
  const std::unique_ptr<WritableFile> file_;
  const std::string path_;
};

namespace {

constexpr std::pair<const char*, Fault> kNames[] = {
    {"io_error", Fault::kIoError},
    {"out_of_space", Fault::kOutOfSpace},
    {"short_write", Fault::kShortWrite},
    {"lost_rename", Fault::kLostRename},
    {"kill_before", Fault::kKillBefore},
    {"kill_after", Fault::kKillAfter},
    {"stop", Fault::kStop},
};

// As a shell reports a process that SIGKILL ended.
constexpr int kKilledExitCode = 137;

Status bad_plan(const std::string& text) {
  return Status::invalid_argument("\"" + text + "\" is no fault plan",
                                  "Write for example out_of_space@17 or io_error~0.01/42.");
}

}  // namespace

Result<FaultPlan> FaultPlan::parse(const std::string& text) {
  const std::size_t mark = text.find_first_of("@~");
  if (mark == std::string::npos || mark + 1 == text.size()) return bad_plan(text);
  FaultPlan plan;
  bool is_known = false;
  for (const auto& [name, fault] : kNames) {
    if (text.compare(0, mark, name) != 0) continue;
    plan.fault = fault;
    is_known = true;
  }
  if (!is_known) return bad_plan(text);
  char* end = nullptr;
  const char* number = text.c_str() + mark + 1;
  if (text[mark] == '@') {
    plan.at_call = std::strtoll(number, &end, 10);
    plan.is_sticky = *end == '+';
    if (plan.is_sticky) ++end;
  } else {
    plan.probability = std::strtod(number, &end);
    if (*end == '/') plan.seed = std::strtoull(end + 1, &end, 10);
  }
  if (end == number || *end != '\0' || plan.at_call < -1 || !(plan.probability >= 0 && plan.probability <= 1)) {
    return bad_plan(text);
  }
  return plan;
}

void FaultFileSystem::set_plan(std::optional<FaultPlan> plan) {
  const std::lock_guard lock(mutex_);
  plan_ = plan;
  random_.reset();
  if (plan_.has_value()) random_.emplace(plan_->seed);
  calls_ = 0;
  faults_ = 0;
  log_.clear();
}

std::int64_t FaultFileSystem::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::int64_t FaultFileSystem::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

std::vector<std::string> FaultFileSystem::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

void FaultFileSystem::power_cut() { unsynced_.undo(); }

bool FaultFileSystem::is_hit(std::int64_t number) {
  if (!plan_.has_value()) return false;
  if (plan_->max_faults >= 0 && faults_ >= plan_->max_faults) return false;
  if (plan_->at_call >= 0) {
    if (number == plan_->at_call) return true;
    if (number > plan_->at_call && (plan_->is_sticky || plan_->fault == Fault::kStop)) return true;
  }
  return plan_->probability > 0 && random_->uniform() < plan_->probability;
}

bool FaultFileSystem::concerns(Fault fault, Kind kind) {
  switch (fault) {
    case Fault::kOutOfSpace:
      return kind == Kind::kWrite || kind == Kind::kSpace;
    case Fault::kShortWrite:
      return kind == Kind::kWrite;
    case Fault::kLostRename:
      return kind == Kind::kRename;
    default:
      return true;
  }
}

FaultFileSystem::Verdict FaultFileSystem::begin(Kind kind, const std::string& call) {
  if (hook_) hook_(call);
  const std::lock_guard lock(mutex_);
  Verdict verdict;
  verdict.number = calls_++;
  const bool is_fault = is_hit(verdict.number) && concerns(plan_->fault, kind);
  log_.push_back(std::to_string(verdict.number) + (is_fault ? "! " : " ") + call);
  if (!is_fault) return verdict;
  ++faults_;
  if (plan_->fault == Fault::kKillBefore) ::_exit(kKilledExitCode);
  if (plan_->fault == Fault::kKillAfter) {
    verdict.is_last = true;
  } else {
    verdict.fault = plan_->fault;
  }
  return verdict;
}

Status FaultFileSystem::failure(const Verdict& verdict, const std::string& call) {
  const std::string message = "injected fault at call " + std::to_string(verdict.number) + ": " + call;
  switch (*verdict.fault) {
    case Fault::kOutOfSpace:
    case Fault::kShortWrite:
      return Status(StatusCode::kOutOfSpace, message);
    case Fault::kLostRename:
      return Status::ok();
    default:
      return Status::io_error(message);
  }
}

void FaultFileSystem::end(const Verdict& verdict) {
  if (verdict.is_last) ::_exit(kKilledExitCode);
}

Status FaultFileSystem::change(Kind kind, const std::string& call, const std::function<Status()>& action) {
  const Verdict verdict = begin(kind, call);
  if (verdict.fault.has_value()) return failure(verdict, call);
  Status status = action();
  end(verdict);
  return status;
}

Result<FileInfo> FaultFileSystem::stat(const std::string& path) {
  const Verdict verdict = begin(Kind::kRead, "stat " + path);
  if (verdict.fault.has_value()) return failure(verdict, "stat " + path);
  Result<FileInfo> result = base_->stat(path);
  end(verdict);
  return result;
}

Result<std::vector<FileInfo>> FaultFileSystem::list(const std::string& directory) {
  const Verdict verdict = begin(Kind::kRead, "list " + directory);
  if (verdict.fault.has_value()) return failure(verdict, "list " + directory);
  Result<std::vector<FileInfo>> result = base_->list(directory);
  end(verdict);
  return result;
}

Result<std::unique_ptr<ReadableFile>> FaultFileSystem::open(const std::string& path) {
  const Verdict verdict = begin(Kind::kRead, "open " + path);
  if (verdict.fault.has_value()) return failure(verdict, "open " + path);
  MILLPOND_ASSIGN_OR_RETURN(auto file, base_->open(path));
  end(verdict);
  return std::unique_ptr<ReadableFile>(std::make_unique<FaultReadableFile>(*this, std::move(file), path));
}

Result<std::unique_ptr<WritableFile>> FaultFileSystem::create(const std::string& path) {
  const Verdict verdict = begin(Kind::kSpace, "create " + path);
  if (verdict.fault.has_value()) return failure(verdict, "create " + path);
  MILLPOND_ASSIGN_OR_RETURN(auto file, base_->create(path));
  unsynced_.created(path);
  end(verdict);
  return std::unique_ptr<WritableFile>(std::make_unique<FaultWritableFile>(*this, std::move(file), path));
}

Result<std::unique_ptr<WritableFile>> FaultFileSystem::open_append(const std::string& path) {
  const Verdict verdict = begin(Kind::kSpace, "open_append " + path);
  if (verdict.fault.has_value()) return failure(verdict, "open_append " + path);
  const Result<FileInfo> before = base_->stat(path);
  MILLPOND_ASSIGN_OR_RETURN(auto file, base_->open_append(path));
  if (before.is_ok()) {
    unsynced_.opened(path, before->size);
  } else {
    unsynced_.created(path);
  }
  end(verdict);
  return std::unique_ptr<WritableFile>(std::make_unique<FaultWritableFile>(*this, std::move(file), path));
}

Status FaultFileSystem::make_directories(const std::string& path, unsigned mode) {
  return change(Kind::kSpace, "make_directories " + path, [&] { return base_->make_directories(path, mode); });
}

Status FaultFileSystem::remove_file(const std::string& path) {
  return change(Kind::kOther, "remove_file " + path, [&] {
    Status status = base_->remove_file(path);
    if (status.is_ok()) unsynced_.removed(path);
    return status;
  });
}

Status FaultFileSystem::remove_tree(const std::string& path) {
  return change(Kind::kOther, "remove_tree " + path, [&] {
    Status status = base_->remove_tree(path);
    if (status.is_ok()) unsynced_.removed(path);
    return status;
  });
}

Status FaultFileSystem::rename_no_replace(const std::string& from, const std::string& to) {
  return change(Kind::kRename, "rename_no_replace " + from + " -> " + to, [&] {
    Status status = base_->rename_no_replace(from, to);
    if (status.is_ok()) unsynced_.renamed(from, to, std::nullopt);
    return status;
  });
}

Status FaultFileSystem::rename_replace(const std::string& from, const std::string& to) {
  return change(Kind::kRename, "rename_replace " + from + " -> " + to, [&] {
    std::optional<std::string> kept = UnsyncedChanges::keep(to);
    Status status = base_->rename_replace(from, to);
    if (status.is_ok()) unsynced_.renamed(from, to, std::move(kept));
    return status;
  });
}

Status FaultFileSystem::exchange(const std::string& a, const std::string& b) {
  return change(Kind::kRename, "exchange " + a + " <-> " + b, [&] {
    Status status = base_->exchange(a, b);
    if (status.is_ok()) unsynced_.exchanged(a, b);
    return status;
  });
}

Status FaultFileSystem::sync_directory(const std::string& path) {
  return change(Kind::kOther, "sync_directory " + path, [&] {
    Status status = base_->sync_directory(path);
    if (status.is_ok()) unsynced_.synced_directory(path);
    return status;
  });
}

Status FaultFileSystem::apply_default_mode(const std::string& path) {
  return change(Kind::kOther, "apply_default_mode " + path, [&] { return base_->apply_default_mode(path); });
}

}  // namespace millpond
