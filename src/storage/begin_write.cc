#include <utility>

#include "storage/publish.h"
#include "storage/stage_output.h"

namespace millpond {

Result<BegunWrite> begin_write(FileSystem& files, const PublishRequest& request) {
  BegunWrite begun;
  MILLPOND_ASSIGN_OR_RETURN(begun.lease, prepare_staging(files, request.target, request.staging));
  MILLPOND_RETURN_IF_ERROR(restore_staged(files, request.target, request.staging));
  MILLPOND_ASSIGN_OR_RETURN(begun.observed, observe_target(files, request.target));
  return begun;
}

}  // namespace millpond
