#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/uri.h"
#include "millpond/result.h"
#include "storage/unique_fd.h"

namespace millpond {

/// A cluster of 3FS and the folder of this machine where it is mounted.
struct Mount3fs {
  std::string cluster;
  std::string folder;  ///< Without a slash at its end.
  bool operator==(const Mount3fs&) const = default;
};

/// The mounts that `mountinfo` lists, which is in the form of /proc/self/mountinfo: of type fuse.hf3fs, whole (a part
/// that is mounted elsewhere once more is left out), one a cluster.
std::vector<Mount3fs> mounts_3fs_in(const std::string& mountinfo);

/// The mounts that `setting` names: "cluster=/mnt/point,other=/mnt/other". kInvalidArgument for another form.
Result<std::vector<Mount3fs>> mounts_3fs_told(const std::string& setting);

/// The mounts of this machine: those that MILLPOND_3FS_MOUNTS names, else those that the kernel lists. Read anew at
/// each call.
Result<std::vector<Mount3fs>> mounts_3fs();

/// The path of this machine that 3fs://cluster/path, or 3fs:///path where one cluster is mounted, names. kUnsupported
/// where none is mounted, kInvalidArgument for another cluster's name, which the message takes for a folder that lost a
/// slash.
Result<std::string> path_on_3fs(const Uri& uri, const std::vector<Mount3fs>& mounts);

/// A folder that was handed over for removal, under its name there.
struct HandedOver3fs {
  UniqueFd folder;
  std::string name;
};

/// Hands the folder `name` in the open folder `parent`, with all below it, to 3FS, which removes it at once and whole.
/// Nothing when it is no folder of a 3FS, or the file system refuses. Follows no link.
std::optional<HandedOver3fs> hand_over_tree_3fs(int parent, const std::string& name);

}  // namespace millpond
