#pragma once

#include <string>

#include "millpond/result.h"
#include "storage/file_system.h"

namespace millpond {

/// Removes what says who wrote an output folder: the manifests of its writes, on a store its head. Its files stay, and all that
/// lie there count from then on. For a folder that nobody else writes to; fine when it is not there.
Status forget_output(FileSystem& files, const std::string& target);

}  // namespace millpond
