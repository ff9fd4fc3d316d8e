#pragma once

#include <string>

#include "millpond/result.h"

namespace millpond {

/// Makes the folder for job state (0700, with its parents), or checks the one that is there: kPermissionDenied when it
/// belongs to another user, or when others may write to it and it has no sticky bit.
Status prepare_data_root(const std::string& path);

}  // namespace millpond
