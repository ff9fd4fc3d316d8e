#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

struct GlobOptions {
  /// A folder's sub-folders too.
  bool recursive = false;
  /// In folders only files with one of these endings (".parquet"; without regard to ASCII case); all when empty.
  /// What is named or matched itself is taken whatever its ending.
  std::vector<std::string> extensions;
  /// Sees every entry of the folders that are looked into, hidden ones too; may be empty.
  std::function<void(const FileInfo&)> each_entry = {};
};

/// Whether `text` has a character that makes it a pattern: * ? [
bool is_pattern(std::string_view text);

/// Whether one name (no slashes) matches one part of a pattern: * ? [a-z] [!a-z], as Python's fnmatch does byte by byte
/// for UTF-8 (? and sets match a whole character). A leading dot is only matched by a dot.
bool matches_name(std::string_view pattern, std::string_view name);

/// The files that `path` stands for, sorted by path, each once:
/// - a file of exactly this name, even if the name reads like a pattern ("a[1].parquet");
/// - a folder: the files in it whose names do not begin with "." or "_"; with its sub-folders (but those that begin so)
/// when
///   `recursive` or when it holds key=value folders;
/// - a pattern, as in Python's glob: * ? [0-9] [!x] within a name, ** for any folders. Names that begin with a dot only
/// match a
///   dot. Folders that match count as folders given, unless files match too and `recursive` is not set.
/// A folder that links back to one above it is walked once. Expansion happens here and nowhere else: what is returned
/// is literal. kNotFound, saying what was looked for and what to try, when there is no file; kPermissionDenied when a
/// folder that had to be looked into may not be read.
Result<std::vector<FileInfo>> expand(FileSystem& files, const std::string& path, const GlobOptions& options = {});

}  // namespace millpond
