#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/file_system.h"

namespace millpond {

/// A file that goes from where a task left it to its name below staged_output(staging).
struct StagedMove {
  std::string from;
  std::string name;
  std::uint64_t file_id = 0;  ///< Which file it is.
};

/// Notes the moves durably in the staging folder and carries them out.
Status move_staged(FileSystem& files, const std::string& staging, const std::vector<StagedMove>& moves);

/// Takes back the noted moves as far as they were carried out: a file whose old name is free and that is still the one
/// that was noted. Nothing is noted afterwards.
Status undo_staged_moves(FileSystem& files, const std::string& staging);

}  // namespace millpond
