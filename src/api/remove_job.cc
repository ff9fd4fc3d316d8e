#include <utility>

#include "job/write_notes.h"
#include "millpond/session.h"
#include "storage/file_system.h"
#include "storage/files_by_scheme.h"

namespace millpond {

Status remove_job(const std::string& job_directory, std::shared_ptr<ObjectStore> store) {
  return remove_job_directory(*files_by_scheme(local_file_system(), std::move(store)), job_directory);
}

}  // namespace millpond
