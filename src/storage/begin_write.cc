#include <utility>

#include "storage/parent_path.h"
#include "storage/publish.h"
#include "storage/stage_output.h"
#include "storage/store_folder.h"
#include "storage/store_object.h"

namespace millpond {

Result<BegunWrite> begin_write(FileSystem& files, const PublishRequest& request) {
  BegunWrite begun;
  const std::string target = trimmed_path(request.target);
  if (ObjectStore* store = files.store_of(target)) {
    MILLPOND_ASSIGN_OR_RETURN(begun.observed, request.single_file ? observe_store_object(*store, target)
                                                                  : begin_store_folder(*store, target, request.fingerprint));
    return begun;
  }
  MILLPOND_ASSIGN_OR_RETURN(begun.lease, prepare_staging(files, target, request.staging));
  MILLPOND_RETURN_IF_ERROR(restore_staged(files, target, request.staging));
  MILLPOND_ASSIGN_OR_RETURN(begun.observed, observe_target(files, target));
  return begun;
}

}  // namespace millpond
