#pragma once

#include "millpond/options.h"
#include "millpond/result.h"

namespace millpond {

/// Fills in what the caller left open: from MILLPOND_<NAME>, then SP_<NAME>, then defaults. Checks every value.
Result<SessionOptions> complete_options(SessionOptions options);

/// "2GB", "512 MiB", "1073741824" as bytes. kInvalidArgument otherwise.
Result<std::int64_t> parse_bytes(const std::string& text);

}  // namespace millpond
