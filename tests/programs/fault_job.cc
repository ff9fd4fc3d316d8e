// A small job on a file system that fails, for tests/faults/fault_every_call.py. Each line of the input is a JSON object:
//   {"folder": where the job's data and output lie, "mode": "error"|"overwrite"|"append", "format": "parquet"|"csv"|"json",
//    "runner": "inline"|"threads", "plan": a fault plan as FaultPlan::parse reads it, or "", "power_cut": true to lose what was not synced,
//    "log": true to report every call}
// The job is run in a process of its own, and a JSON object answers on a line:
//   {"exit": 0, or 137 when the plan killed it, or 128 + the signal, "status": a code's name, "message", "shutdown": a code's name,
//    "calls", "faults", "recorded": tasks whose results the journal knew before and whose files were there, "log"}

#include <csignal>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "api/open_session.h"
#include "base/json.h"
#include "millpond/dataframe.h"
#include "storage/fault_file_system.h"
#include "storage/journal.h"
#include "task/task.h"

namespace millpond {
namespace {

constexpr char kJobId[] = "job";
constexpr unsigned kLongestSeconds = 120;  // A job that hangs is ended by SIGALRM.

/// Results in the journal whose files are all there.
std::int64_t count_recorded(const std::string& job_directory) {
  FileSystem& disk = *local_file_system();
  const Result<JournalContent> journal = read_journal(disk, job_directory + "/journal");
  if (!journal.is_ok()) return 0;
  std::map<std::string, bool> is_there;
  for (const Json& record : journal->records) {
    const Json* json = record.find("result");
    bool& whole = is_there[record.string_or("fingerprint", "")];
    whole = json != nullptr && !json->is_null();
    if (!whole) continue;
    const Result<TaskResult> result = task_result_from_json(*json);
    if (!result.is_ok()) return -1;
    for (const OutputFile& file : result->files) {
      const Result<FileInfo> info = disk.stat(result->directory + "/" + file.path);
      whole = whole && info.is_ok() && info->size == file.num_bytes;
    }
  }
  std::int64_t count = 0;
  for (const auto& [fingerprint, whole] : is_there) count += whole ? 1 : 0;
  return count;
}

/// Values from SQL → repartition by hash → SQL in each partition → files.
Status run_job(const std::shared_ptr<Session>& session, const Json& request) {
  MILLPOND_ASSIGN_OR_RETURN(const DataFrame values,
                            session->partial_sql("SELECT i % 50 AS key, i AS value FROM range(1000) r(i)", {}));
  RepartitionOptions by_key;
  by_key.hash_by = {"key"};
  MILLPOND_ASSIGN_OR_RETURN(const DataFrame dealt, values.repartition(3, by_key));
  MILLPOND_ASSIGN_OR_RETURN(const DataFrame doubled,
                            dealt.partial_sql("SELECT key, value, value * 2 AS double FROM {0} ORDER BY value"));
  WriteFilesOptions write;
  write.format = request.string_or("format", "parquet");
  const std::string mode = request.string_or("mode", "error");
  if (mode == "overwrite") write.mode = WriteMode::kOverwrite;
  if (mode == "append") write.mode = WriteMode::kAppend;
  return doubled.write(request.string_or("folder", "") + "/out/result", write);
}

Json run(const Json& request) {
  SessionOptions options;
  options.data_root = request.string_or("folder", "") + "/data";
  options.job_id = kJobId;
  options.runner = request.string_or("runner", "inline");
  options.threads = 1;
  options.memory_limit = std::int64_t{1} << 30;
  Json report = Json::object({{"recorded", count_recorded(options.data_root + "/" + kJobId)}});

  const auto files = std::make_shared<FaultFileSystem>(local_file_system());
  if (const std::string text = request.string_or("plan", ""); !text.empty()) {
    const Result<FaultPlan> plan = FaultPlan::parse(text);
    if (!plan.is_ok()) return Json::object({{"status", "internal"}, {"message", plan.status().message()}});
    files->set_plan(*plan);
  }
  Result<std::shared_ptr<Session>> session = open_session(std::move(options), files);
  Status status = session.status();
  Status shutdown;
  if (session.is_ok()) {
    status = run_job(*session, request);
    shutdown = (*session)->shutdown();
    session->reset();
  }
  report.set("status", std::string(status_code_name(status.code())));
  report.set("message", status.to_string());
  report.set("shutdown", std::string(status_code_name(shutdown.code())));
  report.set("calls", files->calls());
  report.set("faults", files->faults());
  if (request.bool_or("log", false)) {
    Json log(Json::Array{});
    for (const std::string& line : files->log()) log.push_back(line);
    report.set("log", std::move(log));
  }
  if (request.bool_or("power_cut", false)) files->power_cut();
  return report;
}

std::string read_all(int fd) {
  std::string text;
  char piece[4096];
  while (true) {
    const ssize_t size = ::read(fd, piece, sizeof(piece));
    if (size <= 0) return text;
    text.append(piece, static_cast<std::size_t>(size));
  }
}

/// Runs the request in a child, so that it may be killed and leaves nothing in memory.
Json run_in_child(const Json& request) {
  int ends[2];
  if (::pipe(ends) != 0) return Json::object({{"exit", -1}});
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    ::alarm(kLongestSeconds);
    const std::string text = run(request).dump();
    const ssize_t written = ::write(ends[1], text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  const std::string text = read_all(ends[0]);
  ::close(ends[0]);
  int state = 0;
  ::waitpid(child, &state, 0);
  const Result<Json> report = Json::parse(text);
  Json answer = report.is_ok() ? *report : Json(Json::Object{});
  answer.set("exit", WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state));
  return answer;
}

}  // namespace
}  // namespace millpond

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const millpond::Result<millpond::Json> request = millpond::Json::parse(line);
    if (!request.is_ok()) return 1;
    std::cout << millpond::run_in_child(*request).dump() << std::endl;
  }
  return 0;
}
