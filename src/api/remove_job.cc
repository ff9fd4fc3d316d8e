#include "job/write_notes.h"
#include "millpond/session.h"
#include "storage/file_system.h"

namespace millpond {

Status remove_job(const std::string& job_directory) { return remove_job_directory(*local_file_system(), job_directory); }

}  // namespace millpond
