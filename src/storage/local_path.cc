#include "storage/local_path.h"

#include "base/uri.h"

namespace millpond {

Result<std::string> local_path(const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(const Uri uri, parse_uri(path));
  if (uri.is_local()) return uri.path;
  return Status::unsupported("\"" + path + "\" is on the store " + uri.scheme + "://, which this version can't write to",
                             "use a local path, or mount the store and use the mounted path");
}

Result<std::string> readable_path(const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(const Uri uri, parse_uri(path));
  return uri.to_string();
}

}  // namespace millpond
