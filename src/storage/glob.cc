#include "storage/glob.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/edit_distance.h"
#include "storage/hive_path.h"
#include "storage/parent_path.h"

namespace millpond {
namespace {

bool is_hidden(const std::string& name) { return name[0] == '.' || (name[0] == '_' && !is_hive_folder(name)); }

bool has_extension(const std::string& name, const std::vector<std::string>& extensions) {
  const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return extensions.empty() || std::any_of(extensions.begin(), extensions.end(), [&](const std::string& extension) {
           return name.size() >= extension.size() && std::equal(extension.rbegin(), extension.rend(), name.rbegin(),
                                                                [&](char a, char b) { return fold(a) == fold(b); });
         });
}

// The folders from the start of a walk down to where it is: one that turns up again leads in a circle.
class Ancestors {
 public:
  bool enter(const FileInfo& folder) {
    const bool is_known = folder.file_id != 0 && std::find(ids_.begin(), ids_.end(), folder.file_id) != ids_.end();
    if (!is_known) ids_.push_back(folder.file_id);
    return !is_known;
  }
  void leave() { ids_.pop_back(); }

 private:
  std::vector<std::uint64_t> ids_;
};

// Collects the data files of folders, and what was passed over, for the message when there are none.
class FolderWalk {
 public:
  FolderWalk(FileSystem& files, const GlobOptions& options) : files_(files), options_(options) {}

  Status add(const FileInfo& folder, bool recursive) {
    if (!ancestors_.enter(folder)) return Status::ok();
    const Status status = add_entries(folder.path, recursive);
    ancestors_.leave();
    return status;
  }

  std::vector<FileInfo>& found() { return found_; }
  std::int64_t skipped_files() const { return skipped_files_; }
  std::int64_t skipped_folders() const { return skipped_folders_; }

 private:
  Status add_entries(const std::string& path, bool recursive) {
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<FileInfo> entries, files_.list(path));
    for (const FileInfo& entry : entries) {
      if (options_.each_entry) options_.each_entry(entry);
      recursive = recursive || (entry.is_directory && is_hive_folder(base_name(entry.path)));
    }
    for (const FileInfo& entry : entries) {
      const std::string name = base_name(entry.path);
      if (is_hidden(name)) continue;
      if (!entry.is_directory) {
        const bool is_wanted = has_extension(name, options_.extensions);
        if (is_wanted) found_.push_back(entry);
        skipped_files_ += !is_wanted;
      } else if (recursive) {
        MILLPOND_RETURN_IF_ERROR(add(entry, true));
      } else {
        ++skipped_folders_;
      }
    }
    return Status::ok();
  }

  FileSystem& files_;
  const GlobOptions& options_;
  Ancestors ancestors_;
  std::vector<FileInfo> found_;
  std::int64_t skipped_files_ = 0;
  std::int64_t skipped_folders_ = 0;
};

// Walks a pattern part by part.
class PatternWalk {
 public:
  PatternWalk(FileSystem& files, const std::string& pattern, const GlobOptions& options)
      : files_(files), options_(options) {
    const std::size_t root = store_root_length(pattern);
    for (std::size_t begin = root; begin < pattern.size();) {
      const std::size_t end = std::min(pattern.find('/', begin), pattern.size());
      if (end > begin) parts_.push_back(pattern.substr(begin, end - begin));
      begin = end + 1;
    }
    root_ = root > 0 ? pattern.substr(0, root) : pattern[0] == '/' ? "/" : "";
  }

  Status run() { return descend(root_, 0); }
  std::vector<FileInfo>& found() { return found_; }

 private:
  static std::string join(const std::string& folder, const std::string& name) {
    return folder.empty() || folder == "/" ? folder + name : folder + "/" + name;
  }

  // The entries of a folder on the way; none when it is not there or is no folder.
  Result<std::vector<FileInfo>> entries_of(const std::string& folder) {
    Result<std::vector<FileInfo>> entries = files_.list(folder.empty() ? "." : folder);
    if (entries.status().code() == StatusCode::kNotFound) return std::vector<FileInfo>();
    if (entries.is_ok() && options_.each_entry) std::for_each(entries->begin(), entries->end(), options_.each_entry);
    if (entries.is_ok() && folder.empty()) {  // "a", not "./a": as it would be written.
      for (FileInfo& entry : *entries) entry.path.erase(0, 2);
    }
    return entries;
  }

  Status descend(const std::string& folder, std::size_t part) {
    if (parts_[part] == "**") return descend_all(folder, part);
    const bool is_last = part + 1 == parts_.size();
    if (!is_pattern(parts_[part])) {
      const std::string path = join(folder, parts_[part]);
      if (!is_last) return descend(path, part + 1);
      Result<FileInfo> info = files_.stat(path);
      if (info.status().code() == StatusCode::kNotFound) return Status::ok();
      if (!info.is_ok()) return info.status();
      found_.push_back(std::move(*info));
      return Status::ok();
    }
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<FileInfo> entries, entries_of(folder));
    for (const FileInfo& entry : entries) {
      if (!matches_name(parts_[part], base_name(entry.path))) continue;
      if (is_last) {
        found_.push_back(entry);
      } else if (entry.is_directory) {
        MILLPOND_RETURN_IF_ERROR(descend(entry.path, part + 1));
      }
    }
    return Status::ok();
  }

  // "**": this folder and all below it.
  Status descend_all(const std::string& folder, std::size_t part) {
    const Result<FileInfo> start = files_.stat(folder.empty() ? "." : folder);
    if (start.status().code() == StatusCode::kNotFound) return Status::ok();
    if (!start.is_ok()) return start.status();
    Ancestors ancestors;
    ancestors.enter(*start);
    return descend_below(folder, part, ancestors);
  }

  Status descend_below(const std::string& folder, std::size_t part, Ancestors& ancestors) {
    const bool is_last = part + 1 == parts_.size();
    if (!is_last) MILLPOND_RETURN_IF_ERROR(descend(folder, part + 1));
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<FileInfo> entries, entries_of(folder));
    for (const FileInfo& entry : entries) {
      if (base_name(entry.path)[0] == '.') continue;
      if (!entry.is_directory) {
        if (is_last) found_.push_back(entry);
      } else if (ancestors.enter(entry)) {
        const Status status = descend_below(entry.path, part, ancestors);
        ancestors.leave();
        MILLPOND_RETURN_IF_ERROR(status);
      }
    }
    return Status::ok();
  }

  FileSystem& files_;
  const GlobOptions& options_;
  std::vector<std::string> parts_;
  std::string root_;
  std::vector<FileInfo> found_;
};

Status nothing_found(std::string message, std::string hint, const std::string& path) {
  ErrorContext context;
  context.file = path;
  return Status::not_found(std::move(message), std::move(hint)).with_context(context);
}

Status no_files_in_folder(const std::string& path, const FolderWalk& walk, const GlobOptions& options) {
  std::string wanted;
  for (const std::string& extension : options.extensions) wanted += (wanted.empty() ? "" : ", ") + extension;
  if (walk.skipped_files() > 0) {
    return nothing_found("the folder \"" + path + "\" has no file that ends in " + wanted,
                         "It has " + std::to_string(walk.skipped_files()) +
                             " other files: name them by a pattern, such as \"" + path + "/*\".",
                         path);
  }
  if (walk.skipped_folders() > 0) {
    return nothing_found("the folder \"" + path + "\" holds only folders",
                         "Pass recursive=True to read what is in them.", path);
  }
  return nothing_found("the folder \"" + path + "\" has no data files",
                       "Files whose names begin with \".\" or \"_\" are passed over.", path);
}

// The first part of `path` that is not there, and what is there instead.
Status no_such_path(FileSystem& files, const std::string& path, bool is_pattern_path) {
  std::string missing = path;
  while (parent_path(missing) != missing && (is_pattern(missing) || !files.stat(parent_path(missing)).is_ok())) {
    if (!is_pattern(missing) && files.stat(missing).is_ok()) break;
    missing = parent_path(missing);
  }
  std::string hint;
  if (files.stat(missing).is_ok()) {
    hint = "The folder \"" + missing + "\" is there: check the rest of the pattern.";
  } else {
    hint = "\"" + missing + "\" does not exist.";
    std::vector<std::string> names;
    if (Result<std::vector<FileInfo>> entries = files.list(parent_path(missing)); entries.is_ok()) {
      for (const FileInfo& entry : *entries) names.push_back(base_name(entry.path));
    }
    const std::optional<std::string> nearest = nearest_name(base_name(missing), names);
    if (nearest.has_value()) hint += " Did you mean \"" + *nearest + "\"?";
  }
  return nothing_found(
      is_pattern_path ? "no file matches \"" + path + "\"" : "there is no file or folder \"" + path + "\"",
      std::move(hint), path);
}

Result<std::vector<FileInfo>> expand_pattern(FileSystem& files, const std::string& pattern,
                                             const GlobOptions& options) {
  PatternWalk walk(files, pattern, options);
  MILLPOND_RETURN_IF_ERROR(walk.run());
  std::vector<FileInfo> result;
  for (const FileInfo& match : walk.found()) {
    if (!match.is_directory) result.push_back(match);
  }
  if (!result.empty() && !options.recursive) return result;
  FolderWalk folders(files, options);
  for (const FileInfo& match : walk.found()) {
    if (match.is_directory) MILLPOND_RETURN_IF_ERROR(folders.add(match, options.recursive));
  }
  result.insert(result.end(), folders.found().begin(), folders.found().end());
  if (!result.empty()) return result;
  if (!walk.found().empty()) return no_files_in_folder(pattern, folders, options);
  return no_such_path(files, pattern, true);
}

Result<std::vector<FileInfo>> expand_folder(FileSystem& files, const FileInfo& folder, const GlobOptions& options) {
  FolderWalk walk(files, options);
  MILLPOND_RETURN_IF_ERROR(walk.add(folder, options.recursive));
  if (walk.found().empty()) return no_files_in_folder(folder.path, walk, options);
  return std::move(walk.found());
}

}  // namespace

Result<std::vector<FileInfo>> expand(FileSystem& files, const std::string& path, const GlobOptions& options) {
  const Result<FileInfo> literal = files.stat(path);
  std::vector<FileInfo> result;
  if (literal.is_ok() && !literal->is_directory) return std::vector<FileInfo>{*literal};
  if (literal.is_ok()) {
    MILLPOND_ASSIGN_OR_RETURN(result, expand_folder(files, *literal, options));
  } else if (literal.status().code() != StatusCode::kNotFound) {
    return literal.status();
  } else if (!is_pattern(path)) {
    return no_such_path(files, path, false);
  } else {
    MILLPOND_ASSIGN_OR_RETURN(result, expand_pattern(files, path, options));
  }
  std::sort(result.begin(), result.end(), [](const FileInfo& a, const FileInfo& b) { return a.path < b.path; });
  result.erase(
      std::unique(result.begin(), result.end(), [](const FileInfo& a, const FileInfo& b) { return a.path == b.path; }),
      result.end());
  return result;
}

}  // namespace millpond
