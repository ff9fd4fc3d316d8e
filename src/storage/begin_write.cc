#include <utility>

#include "storage/parent_path.h"
#include "storage/publish.h"
#include "storage/stage_output.h"

namespace millpond {

Result<BegunWrite> begin_write(FileSystem& files, const PublishRequest& request) {
  BegunWrite begun;
  const std::string target = trimmed_path(request.target);
  MILLPOND_ASSIGN_OR_RETURN(begun.lease, prepare_staging(files, target, request.staging));
  MILLPOND_RETURN_IF_ERROR(restore_staged(files, target, request.staging));
  MILLPOND_ASSIGN_OR_RETURN(begun.observed, observe_target(files, target));
  return begun;
}

}  // namespace millpond
