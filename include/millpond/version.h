#pragma once

#include <string>

#include "millpond/export.h"

namespace millpond {

/// This library's version: "0.1.0".
MILLPOND_EXPORT std::string version();

}  // namespace millpond
