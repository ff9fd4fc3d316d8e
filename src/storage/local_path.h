#pragma once

#include <string>

#include "millpond/result.h"

namespace millpond {

/// The path on this machine that `path` names: a plain path as it is, file:///a/b as /a/b, 3fs://cluster/a as /mnt/a
/// where the cluster is mounted (storage/mounted_3fs.h). A path of another scheme is kUnsupported with the scheme's
/// name, never a local folder called "s3:".
Result<std::string> local_path(const std::string& path);

/// The path under which a file of this machine or of a store is found: a plain path as it is, file:///a/b as /a/b,
/// 3fs://cluster/a as local_path does, S3://bucket/key as s3://bucket/key. kUnsupported for an unknown scheme.
Result<std::string> readable_path(const std::string& path);

}  // namespace millpond
