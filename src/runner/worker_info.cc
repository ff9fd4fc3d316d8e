#include "runner/worker_info.h"

namespace millpond {
namespace {

Status differs(const std::string& what, const std::string& driver, const std::string& worker) {
  return Status::unsupported("the worker has " + what + " " + worker + ", the driver has " + driver,
                             "install the same millpond and duckdb for both, and set worker_command to that Python");
}

}  // namespace

Status check_worker(const WorkerInfo& driver, const WorkerInfo& worker) {
  if (driver.protocol != worker.protocol) {
    return differs("protocol", std::to_string(driver.protocol), std::to_string(worker.protocol));
  }
  if (driver.millpond_version != worker.millpond_version) {
    return differs("millpond", driver.millpond_version, worker.millpond_version);
  }
  if (driver.duckdb_version != worker.duckdb_version) {
    return differs("DuckDB", driver.duckdb_version, worker.duckdb_version);
  }
  if (driver.hash_version != worker.hash_version) {
    return differs("partition hash", std::to_string(driver.hash_version), std::to_string(worker.hash_version));
  }
  return {};
}

Json worker_info_to_json(const WorkerInfo& info) {
  return Json::object({{"protocol", info.protocol},
                       {"millpond", info.millpond_version},
                       {"duckdb", info.duckdb_version},
                       {"hash", info.hash_version}});
}

Result<WorkerInfo> worker_info_from_json(const Json& json) {
  WorkerInfo info;
  MILLPOND_ASSIGN_OR_RETURN(info.protocol, json.get_int("protocol"));
  MILLPOND_ASSIGN_OR_RETURN(info.millpond_version, json.get_string("millpond"));
  MILLPOND_ASSIGN_OR_RETURN(info.duckdb_version, json.get_string("duckdb"));
  MILLPOND_ASSIGN_OR_RETURN(info.hash_version, json.get_int("hash"));
  return info;
}

}  // namespace millpond
