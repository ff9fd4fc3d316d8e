#pragma once

#include <string>

#include "millpond/result.h"

namespace millpond {

/// Removes a folder of this machine and all below it; fine when it is not there. Works by descriptors of folders opened
/// without following links, so a symbolic link planted below, even in the midst of it, is removed itself and never what
/// it points to. kInvalidArgument when `path` itself is a link or a file.
Status remove_local_tree(const std::string& path);

}  // namespace millpond
