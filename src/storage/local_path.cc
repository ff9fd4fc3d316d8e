#include "storage/local_path.h"

#include <algorithm>
#include <cctype>

namespace millpond {

Result<std::string> local_path(const std::string& path) {
  const std::size_t colon = path.find("://");
  if (colon == std::string::npos || colon == 0) return path;
  const std::string scheme = path.substr(0, colon);
  const bool is_scheme = std::all_of(scheme.begin(), scheme.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.';
  });
  if (!is_scheme) return path;
  if (scheme == "file") {
    const std::string rest = path.substr(colon + 3);
    if (!rest.starts_with('/')) {
      return Status::invalid_argument("\"" + path + "\" names another host", "write file:///path for a path on this machine");
    }
    return rest;
  }
  return Status::unsupported("\"" + path + "\" is on the store " + scheme + "://, which this version can't reach",
                             "copy the data to a local path, or mount the store and use the mounted path");
}

}  // namespace millpond
