#include "storage/committed_files.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/uri.h"
#include "storage/data_set_head.h"
#include "storage/parent_path.h"

namespace millpond {
namespace {

constexpr int kMaxLooks = 20;
constexpr std::size_t kIdSize = 16;

// Whether a name ends as those of writes to stores: "part-00000-0123456789abcdef.parquet".
bool may_be_ours(const std::string& path) {
  const std::string name = base_name(path);
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos || dot <= kIdSize || name[dot - kIdSize - 1] != '-') return false;
  return std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dot - kIdSize), name.begin() + static_cast<std::ptrdiff_t>(dot),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// The folders above the first part that is a pattern, and `path` itself when it is none.
std::set<std::string> folders_above(const std::string& path) {
  const std::size_t root = store_root_length(path);
  std::set<std::string> folders;
  for (std::size_t slash = path.find('/', root); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::size_t end = path.find('/', slash + 1);
    const std::string folder = path.substr(0, end);
    if (is_pattern(std::string_view(folder).substr(root))) break;
    if (folder.back() != '/') folders.insert(folder);
  }
  return folders;
}

// The files of a path, and then the heads that have a say in them.
struct Look {
  std::vector<FileInfo> files;
  bool has_ours = false;
  std::map<std::string, DataSetHead> heads;
};

Result<Look> look(FileSystem& files, ObjectStore& store, const std::string& path, GlobOptions options) {
  Look result;
  std::set<std::string> folders = folders_above(path);
  options.each_entry = [&](const FileInfo& entry) {
    if (base_name(entry.path) == kHeadName) folders.insert(parent_path(entry.path));
  };
  MILLPOND_ASSIGN_OR_RETURN(result.files, expand(files, path, options));
  result.has_ours = std::any_of(result.files.begin(), result.files.end(),
                                [](const FileInfo& file) { return may_be_ours(file.path); });
  if (!result.has_ours) return result;
  for (const std::string& folder : folders) {
    MILLPOND_ASSIGN_OR_RETURN(DataSetHead head, read_head(store, folder));
    if (!head.tag.empty()) result.heads[folder] = std::move(head);
  }
  return result;
}

bool have_same_heads(const Look& a, const Look& b) {
  return std::equal(a.heads.begin(), a.heads.end(), b.heads.begin(), b.heads.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.tag == y.second.tag;
  });
}

Result<std::vector<FileInfo>> counted(Look look, const std::string& path) {
  std::vector<FileInfo> result;
  for (FileInfo& file : look.files) {
    const ObjectInfo object{file.path, file.size, file.mtime_ns, false, file.tag};
    const bool is_hidden = std::any_of(look.heads.begin(), look.heads.end(),
                                       [&](const auto& head) { return is_hidden_by(head.second, head.first, object); });
    if (!is_hidden) result.push_back(std::move(file));
  }
  if (!result.empty()) return result;
  ErrorContext context;
  context.file = path;
  return Status::not_found("\"" + path + "\" has only files of writes that are not finished",
                           "Wait for the job that writes there, or run it again if it is dead.")
      .with_context(context);
}

}  // namespace

Result<std::vector<FileInfo>> expand_committed(FileSystem& files, const std::string& path, const GlobOptions& options) {
  ObjectStore* store = files.store_of(path);
  if (store == nullptr) return expand(files, path, options);
  MILLPOND_ASSIGN_OR_RETURN(Look before, look(files, *store, path, options));
  const bool is_one = before.files.size() == 1 && before.files.front().path == path;
  if (is_one || !before.has_ours) return std::move(before.files);
  for (int looks = 1; looks < kMaxLooks; ++looks) {
    // What was listed between two readings of the same heads is of one moment.
    MILLPOND_ASSIGN_OR_RETURN(Look after, look(files, *store, path, options));
    if (have_same_heads(before, after)) return counted(std::move(after), path);
    before = std::move(after);
  }
  return Status(StatusCode::kConflict, "\"" + path + "\" is being changed all the time", "Try again when nobody writes there.");
}

}  // namespace millpond
