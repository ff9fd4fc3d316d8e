#pragma once

#include <string>

#include "millpond/result.h"

namespace millpond {

/// The path on this machine that `path` names: a plain path as it is, file:///a/b as /a/b. A path of another scheme is
/// kUnsupported with the scheme's name, never a local folder called "s3:".
Result<std::string> local_path(const std::string& path);

}  // namespace millpond
