#include "job/seen_files.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <utility>

namespace millpond {
namespace {

/// Version 1 had no tags.
constexpr std::int64_t kVersion = 2;
constexpr std::size_t kMaxName = 128;
/// Records about so many files that no longer matter are kept: rewriting a journal takes longer than reading it.
constexpr std::size_t kMostWaste = 10'000;
constexpr std::size_t kFilesOfRecord = 100'000;

Status check_name(const std::string& name) {
  const bool plain = !name.empty() && name.size() <= kMaxName && name.front() != '.' && name.front() != '-' &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::isalnum(c) || c == '-' || c == '_' || c == '.';
                     });
  if (plain) return Status::ok();
  return Status::invalid_argument("new_only is \"" + name + "\"",
                                  "use letters, digits, '-', '_' and '.', at most 128, not beginning with '-' or '.'");
}

/// The same for a file however its path is written and wherever the program was started.
std::string key_of(const std::string& path) {
  if (path.find("://") != std::string::npos) return path;
  return std::filesystem::absolute(path).lexically_normal().string();
}

Status in_use(const Status& taken, const std::string& name) {
  return Status(StatusCode::kConflict, "another session reads files that are new to \"" + name + "\": " + taken.message(),
                "wait until it has ended, or read by another name")
      .with_context(taken.context());
}

}  // namespace

Json SeenFiles::files_to_json(const Files& files) {
  Json::Array entries;
  for (const auto& [path, identity] : files) {
    const auto& [size, mtime_ns, tag] = identity;
    entries.push_back(Json::array({path, size, mtime_ns, tag}));
  }
  return entries;
}

Status SeenFiles::files_from_json(const Json& record, Files& files) {
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* entries, record.get_array("files"));
  for (const Json& entry : *entries) {
    if (!entry.is_array() || entry.as_array().size() < 3 || entry.as_array().size() > 4 ||
        !entry.as_array()[0].is_string() || !entry.as_array()[1].is_int() || !entry.as_array()[2].is_int() ||
        (entry.as_array().size() == 4 && !entry.as_array()[3].is_string())) {
      return Status::data_corrupt("a file is recorded in a form that is not known");
    }
    const Json::Array& fields = entry.as_array();
    const std::string tag = fields.size() == 4 ? fields[3].as_string() : "";
    files[fields[0].as_string()] = {fields[1].as_int(), fields[2].as_int(), tag};
  }
  return Status::ok();
}

Result<std::unique_ptr<SeenFiles>> SeenFiles::open(std::shared_ptr<FileSystem> files, const std::string& data_root,
                                                   const std::string& name, const std::string& job_id) {
  MILLPOND_RETURN_IF_ERROR(check_name(name));
  if (files->store_of(data_root) != nullptr) {
    return Status::unsupported("new_only=\"" + name + "\" keeps its record below data_root, and not on a store such as \"" + data_root + "\"",
                               "give init() a data_root on a disk; what is read may lie on a store");
  }
  const std::string directory = data_root + "/.new_only/" + name;
  MILLPOND_RETURN_IF_ERROR(files->make_directories(directory));
  Result<std::unique_ptr<Lease>> lease = Lease::acquire(directory);
  if (lease.status().code() == StatusCode::kConflict) return in_use(lease.status(), name);
  if (!lease.is_ok()) return lease.status();
  std::unique_ptr<SeenFiles> seen(new SeenFiles(job_id, std::move(*lease)));
  const std::string path = directory + "/journal";
  const Json header = Json::object({{"new_only", name}, {"version", kVersion}});
  Result<Journal::Opened> opened = Journal::open(files, path, header);
  if (!opened.is_ok()) {
    return Status(opened.status().code(), opened.status().message(),
                  "Remove \"" + directory + "\": all files are then new to \"" + name + "\".")
        .with_context(opened.status().context());
  }
  const std::int64_t version = opened->content.header.int_or("version", 0);
  if (version < 1 || version > kVersion) {
    return Status::unsupported("\"" + path + "\" was written by a newer millpond", "read by another name, or update millpond");
  }
  seen->journal_ = std::move(opened->journal);
  MILLPOND_RETURN_IF_ERROR(seen->replay(opened->content.records));
  std::size_t recorded = 0;
  for (const Json& record : opened->content.records) {
    if (const Json* some = record.find("files"); some != nullptr && some->is_array()) recorded += some->as_array().size();
  }
  const bool is_wasteful = recorded > 2 * seen->seen_.size() + kMostWaste;
  if (is_wasteful || version != kVersion) MILLPOND_RETURN_IF_ERROR(seen->rewrite(files, path, header));
  MILLPOND_RETURN_IF_ERROR(seen->begin());
  return seen;
}

Status SeenFiles::replay(const std::vector<Json>& records) {
  for (const Json& record : records) {
    const std::string event = record.string_or("event", "");
    if (event == "seen") {
      MILLPOND_RETURN_IF_ERROR(files_from_json(record, seen_));
    } else if (event == "begin") {
      if (record.string_or("job", "") != last_job_) earlier_.clear();
      last_job_ = record.string_or("job", "");
      for (auto& [number, files] : std::exchange(reads_, {})) earlier_[number] = std::move(files);
    } else if (event == "read") {
      Files& files = reads_[record.int_or("number", 0)];
      files.clear();
      MILLPOND_RETURN_IF_ERROR(files_from_json(record, files));
    } else if (event == "finish") {
      MILLPOND_ASSIGN_OR_RETURN(const Json::Array* numbers, record.get_array("reads"));
      for (const Json& number : *numbers) {
        if (!number.is_int()) return Status::data_corrupt("a read is recorded in a form that is not known");
        for (const auto& [path, identity] : reads_[number.as_int()]) seen_[path] = identity;
      }
      reads_.clear();
      earlier_.clear();
    } else {
      return Status::data_corrupt("an event of files that were seen is not known: \"" + event + "\"");
    }
  }
  return Status::ok();
}

Status SeenFiles::begin() {
  if (last_job_ != job_id_) {
    earlier_.clear();
    reads_.clear();
  }
  last_job_ = job_id_;
  for (auto& [number, files] : std::exchange(reads_, {})) earlier_[number] = std::move(files);
  return journal_->append(Json::object({{"event", "begin"}, {"job", job_id_}}));
}

/// Only what matters still, in a journal that takes the other's place in one step.
Status SeenFiles::rewrite(const std::shared_ptr<FileSystem>& files, const std::string& path, const Json& header) {
  const std::string temporary = path + ".new";
  MILLPOND_RETURN_IF_ERROR(files->remove_file(temporary));
  MILLPOND_ASSIGN_OR_RETURN(Journal::Opened fresh, Journal::open(files, temporary, header));
  for (auto next = seen_.begin(); next != seen_.end();) {
    Files some;
    for (; next != seen_.end() && some.size() < kFilesOfRecord; ++next) some.insert(*next);
    MILLPOND_RETURN_IF_ERROR(fresh.journal->append(Json::object({{"event", "seen"}, {"files", files_to_json(some)}})));
  }
  MILLPOND_RETURN_IF_ERROR(fresh.journal->append(Json::object({{"event", "begin"}, {"job", last_job_}})));
  for (const auto* reads : {&earlier_, &reads_}) {
    for (const auto& [number, some] : *reads) {
      const Json record = Json::object({{"event", "read"}, {"number", number}, {"files", files_to_json(some)}});
      MILLPOND_RETURN_IF_ERROR(fresh.journal->append(record));
    }
  }
  MILLPOND_RETURN_IF_ERROR(fresh.journal->sync());
  fresh.journal.reset();
  journal_.reset();
  MILLPOND_RETURN_IF_ERROR(files->rename_replace(temporary, path));
  MILLPOND_RETURN_IF_ERROR(files->sync_directory(path.substr(0, path.rfind('/'))));
  MILLPOND_ASSIGN_OR_RETURN(Journal::Opened opened, Journal::open(files, path, header));
  journal_ = std::move(opened.journal);
  return Status::ok();
}

bool SeenFiles::is_new(const FileSlice& file) const {
  const auto known = seen_.find(key_of(file.path));
  return known == seen_.end() || !is_same(known->second, {file.size, file.mtime_ns, file.tag});
}

/// A file that was recorded without a tag is known by the rest.
bool SeenFiles::is_same(const Identity& recorded, const Identity& now) {
  const auto& [size, mtime_ns, tag] = recorded;
  return size == std::get<0>(now) && mtime_ns == std::get<1>(now) && (tag.empty() || tag == std::get<2>(now));
}

Result<SeenFiles::Read> SeenFiles::take_new(const std::vector<FileSlice>& found) {
  const std::lock_guard lock(mutex_);
  Read read;
  read.number = next_read_++;
  for (const FileSlice& file : found) {
    if (is_new(file)) read.files.push_back(file);
  }
  Files taken;
  for (const FileSlice& file : read.files) taken[key_of(file.path)] = {file.size, file.mtime_ns, file.tag};
  if (const auto before = earlier_.find(read.number); before != earlier_.end() && !before->second.empty()) {
    const bool is_there = std::all_of(before->second.begin(), before->second.end(), [&](const auto& file) {
      const auto now = taken.find(file.first);
      return now != taken.end() && is_same(file.second, now->second);
    });
    if (is_there) {
      taken = before->second;
      std::erase_if(read.files, [&](const FileSlice& file) { return !taken.contains(key_of(file.path)); });
    }
  }
  const Json record = Json::object({{"event", "read"}, {"number", read.number}, {"files", files_to_json(taken)}});
  MILLPOND_RETURN_IF_ERROR(journal_->append(record));
  reads_[read.number] = std::move(taken);
  return read;
}

Status SeenFiles::finish(const std::set<std::int64_t>& reads) {
  const std::lock_guard lock(mutex_);
  Json::Array numbers(reads.begin(), reads.end());
  MILLPOND_RETURN_IF_ERROR(journal_->append(Json::object({{"event", "finish"}, {"reads", std::move(numbers)}})));
  MILLPOND_RETURN_IF_ERROR(journal_->sync());
  for (const std::int64_t number : reads) {
    for (const auto& [path, identity] : reads_[number]) seen_[path] = identity;
  }
  reads_.clear();
  earlier_.clear();
  return Status::ok();
}

}  // namespace millpond
