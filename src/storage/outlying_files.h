#pragma once

#include <memory>
#include <string>

#include "millpond/worker_launcher.h"
#include "storage/file_system.h"

namespace millpond {

/// `base`, in which the files of `directory` may also lie with workers elsewhere: such a file has its size, is removed
/// where it lies, and is brought here when it is opened. All else goes to `base`.
std::shared_ptr<FileSystem> with_outlying_files(std::shared_ptr<FileSystem> base, std::shared_ptr<WorkerLauncher> launcher,
                                                std::string directory);

}  // namespace millpond
