#pragma once

#include <memory>
#include <string>

#include "millpond/result.h"
#include "storage/unique_fd.h"

namespace millpond {

/// Says that a live process works in a folder of this machine, so that two drivers never run one job at once and
/// clean-up never removes a live one's files. Held from acquire() to destruction; the kernel ends it with the process,
/// however it dies. Not inherited by forked or executed children. Two leases of one process exclude each other too. On
/// a folder shared by several machines it is as good as that store's flock.
class Lease {
 public:
  /// Takes the lease of `directory`, which must exist, by locking its file "lease". kConflict, naming the holder's
  /// process and machine, when another holds it; never waits.
  static Result<std::unique_ptr<Lease>> acquire(const std::string& directory);

  /// Gives it back and removes the file.
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

 private:
  Lease(UniqueFd fd, std::string path);

  UniqueFd fd_;
  const std::string path_;
  const int owner_;  ///< This process; a forked child has no share in the lease.
};

/// Whether someone holds the lease of `directory` now. False when the folder or its lease file is not there.
/// A hint only: to act on it, acquire the lease.
Result<bool> is_leased(const std::string& directory);

}  // namespace millpond
