#include "api/session_options.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "base/machine.h"
#include "base/uri.h"
#include "storage/local_path.h"
#include "storage/parent_path.h"

namespace millpond {
namespace {

constexpr double kMemoryShare = 0.8;
// Read and worked on in about the time that a task takes that has nothing to do.
constexpr std::int64_t kDefaultMinTaskBytes = 1'000'000;

std::optional<std::string> from_environment(const std::string& name) {
  for (const char* prefix : {"MILLPOND_", "SP_"}) {
    const char* value = std::getenv((prefix + name).c_str());
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

void fill(std::string& field, const std::string& name) {
  if (!field.empty()) return;
  if (auto value = from_environment(name)) field = *value;
}

Status fill_number(std::int64_t& field, std::int64_t unset, const std::string& name) {
  if (field != unset) return Status::ok();
  auto value = from_environment(name);
  if (!value) return Status::ok();
  std::int64_t number = 0;
  const auto parsed = std::from_chars(value->data(), value->data() + value->size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != value->data() + value->size()) {
    return Status::invalid_argument("MILLPOND_" + name + " is \"" + *value + "\", which is no whole number");
  }
  field = number;
  return Status::ok();
}

Status fill_flag(std::optional<bool>& field, const std::string& name) {
  if (field) return Status::ok();
  const auto value = from_environment(name);
  if (!value) return Status::ok();
  std::string word;
  for (const char letter : *value) word += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  if (word != "true" && word != "1" && word != "yes" && word != "false" && word != "0" && word != "no") {
    return Status::invalid_argument("MILLPOND_" + name + " is \"" + *value + "\"", "write true or false");
  }
  field = word == "true" || word == "1" || word == "yes";
  return Status::ok();
}

std::string default_data_root() {
  const char* home = std::getenv("HOME");
  return (home == nullptr || *home == '\0' ? std::string("/tmp") : std::string(home)) + "/.millpond/data";
}

std::string absolute_path(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

Status check_job_id(const std::string& id) {
  const bool plain = !id.empty() && id.size() <= 128 && id.front() != '.' && id.front() != '-' &&
                     std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
  if (plain) return Status::ok();
  return Status::invalid_argument("job_id is \"" + id + "\"", "use letters, digits, '-', '_' and '.', at most 128, not beginning with '-' or '.'");
}

}  // namespace

Result<std::int64_t> parse_bytes(const std::string& text) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit;
  for (const char* p = parsed.ptr; p != text.data() + text.size(); ++p) {
    if (*p != ' ') unit += static_cast<char>(std::toupper(static_cast<unsigned char>(*p)));
  }
  static constexpr std::array<std::pair<std::string_view, double>, 12> kUnits = {{{"", 1},
                                                                                  {"B", 1},
                                                                                  {"KB", 1e3},
                                                                                  {"MB", 1e6},
                                                                                  {"GB", 1e9},
                                                                                  {"TB", 1e12},
                                                                                  {"KIB", 1024.0},
                                                                                  {"MIB", 1048576.0},
                                                                                  {"GIB", 1073741824.0},
                                                                                  {"TIB", 1099511627776.0},
                                                                                  {"G", 1e9},
                                                                                  {"M", 1e6}}};
  if (parsed.ec == std::errc() && number >= 0) {
    for (const auto& [name, factor] : kUnits) {
      if (unit == name) return static_cast<std::int64_t>(number * factor);
    }
  }
  return Status::invalid_argument("\"" + text + "\" is no amount of memory", "write it like \"2GB\", \"512MiB\" or 1073741824");
}

Result<SessionOptions> complete_options(SessionOptions options) {
  fill(options.data_root, "DATA_ROOT");
  fill(options.scratch, "SCRATCH");
  fill(options.job_id, "JOBID");
  fill(options.job_id, "JOB_ID");
  fill(options.job_name, "JOB_NAME");
  fill(options.runner, "RUNNER");
  MILLPOND_RETURN_IF_ERROR(fill_number(options.threads, 0, "THREADS"));
  MILLPOND_RETURN_IF_ERROR(fill_number(options.max_retries, kDefaultMaxRetries, "MAX_RETRIES"));
  MILLPOND_RETURN_IF_ERROR(fill_flag(options.speculation, "SPECULATION"));
  for (auto [field, name] : {std::pair{&options.memory_limit, "MEMORY_LIMIT"}, std::pair{&options.disk_quota, "DISK_QUOTA"},
                             std::pair{&options.scan_task_bytes, "SCAN_TASK_BYTES"}}) {
    if (*field != 0) continue;
    if (auto value = from_environment(name)) {
      MILLPOND_ASSIGN_OR_RETURN(*field, parse_bytes(*value));
    }
  }
  if (options.min_task_bytes == -1) {
    options.min_task_bytes = kDefaultMinTaskBytes;
    if (auto value = from_environment("MIN_TASK_BYTES")) {
      MILLPOND_ASSIGN_OR_RETURN(options.min_task_bytes, parse_bytes(*value));
    }
  }
  if (!options.speculation) options.speculation = true;
  if (options.runner.empty()) options.runner = "threads";
  if (options.runner != "threads" && options.runner != "inline" && options.runner != "processes") {
    return Status::invalid_argument("runner is \"" + options.runner + "\"", "choose threads, inline or processes");
  }
  if (options.threads < 0) return Status::invalid_argument("threads must not be negative");
  if (options.memory_limit < 0) return Status::invalid_argument("memory_limit must not be negative");
  if (options.scan_task_bytes < 0) return Status::invalid_argument("scan_task_bytes must not be negative");
  if (options.min_task_bytes < 0) return Status::invalid_argument("min_task_bytes must not be negative");
  if (options.max_retries < 0) return Status::invalid_argument("max_retries must not be negative");
  if (options.threads == 0) options.threads = usable_cores();
  if (options.memory_limit == 0) options.memory_limit = static_cast<std::int64_t>(static_cast<double>(usable_memory()) * kMemoryShare);
  if (options.job_id.empty()) options.job_id = uuid4();
  MILLPOND_RETURN_IF_ERROR(check_job_id(options.job_id));
  if (options.data_root.empty()) options.data_root = default_data_root();
  if (options.scratch.empty()) options.scratch = default_data_root();
  MILLPOND_ASSIGN_OR_RETURN(options.data_root, readable_path(options.data_root));
  if (has_scheme(options.data_root)) {
    options.data_root = trimmed_path(std::move(options.data_root));
  } else {
    options.data_root = absolute_path(options.data_root);
  }
  MILLPOND_ASSIGN_OR_RETURN(const std::string scratch, local_path(options.scratch));
  options.scratch = absolute_path(scratch);
  return options;
}

}  // namespace millpond
