#pragma once

#include <memory>

#include "millpond/session.h"
#include "storage/file_system.h"

namespace millpond {

/// Session::open on another store than this machine's disks: one that fails, or counts calls. For tests.
Result<std::shared_ptr<Session>> open_session(SessionOptions options, std::shared_ptr<FileSystem> files);

}  // namespace millpond
