#include "storage/local_path.h"

#include "base/uri.h"
#include "storage/mounted_3fs.h"

namespace millpond {
namespace {

Result<std::string> mounted_path(const Uri& uri) {
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<Mount3fs> mounts, mounts_3fs());
  return path_on_3fs(uri, mounts);
}

}  // namespace

Result<std::string> local_path(const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(const Uri uri, parse_uri(path));
  if (uri.is_local()) return uri.path;
  if (uri.scheme == "3fs") return mounted_path(uri);
  return Status::unsupported("\"" + path + "\" is on the store " + uri.scheme + "://, which this version can't write to",
                             "use a local path, or mount the store and use the mounted path");
}

Result<std::string> readable_path(const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(const Uri uri, parse_uri(path));
  return uri.scheme == "3fs" ? mounted_path(uri) : uri.to_string();
}

}  // namespace millpond
