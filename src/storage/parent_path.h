#pragma once

#include <algorithm>
#include <string>

#include "base/uri.h"

namespace millpond {

/// The bytes of "s3://bucket" in "s3://bucket/key"; 0 for a path of this machine.
inline std::size_t store_root_length(const std::string& path) {
  if (!has_scheme(path)) return 0;
  return std::min(path.find('/', path.find("://") + 3), path.size());
}

/// The folder that holds the entry `path`: "/a" of "/a/b" and of "/a/b/", "." of "b", "/" of "/b", "s3://bucket" of
/// "s3://bucket/a" and of itself.
inline std::string parent_path(const std::string& path) {
  if (const std::size_t root = store_root_length(path); root > 0) {
    const std::size_t end = path.find_last_not_of('/');
    const std::size_t slash = end == std::string::npos || end < root ? std::string::npos : path.rfind('/', end);
    return path.substr(0, slash == std::string::npos ? root : std::max(slash, root));
  }
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return path.empty() ? "." : "/";
  const std::size_t slash = path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  const std::size_t parent_end = path.find_last_not_of('/', slash);
  return parent_end == std::string::npos ? "/" : path.substr(0, parent_end + 1);
}

/// A path without slashes at its end, which would make the kernel take a link for what it points to.
inline std::string trimmed_path(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

/// The last part of a path, without slashes: "b" of "/a/b/".
inline std::string base_name(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return "";
  const std::size_t slash = path.rfind('/', end);
  const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(begin, end - begin + 1);
}

}  // namespace millpond
