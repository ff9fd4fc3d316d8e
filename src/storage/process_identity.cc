#include "storage/process_identity.h"

#include <unistd.h>

#include <array>
#include <climits>
#include <fstream>
#include <optional>
#include <sstream>

namespace millpond {
namespace {

// Processes see each other by number only within one namespace of them.
std::string pid_namespace() {
  std::array<char, PATH_MAX> link{};
  return ::readlink("/proc/self/ns/pid", link.data(), link.size() - 1) > 0 ? link.data() : "";
}

// When a process began; none when there is none, or it is dead and only its entry is left. A number may have had another process before.
std::optional<std::int64_t> start_of(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');  // The name before may hold anything.
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string state;
  fields >> state;
  if (state == "Z" || state == "X") return std::nullopt;
  std::string field;
  for (int i = 4; i <= 22; ++i) fields >> field;  // proc(5): the start is the 22nd.
  return fields ? std::optional(std::stoll(field)) : std::nullopt;
}

bool is_of_this_machine(const Json& process) {
  const std::string boot = boot_id();
  return !boot.empty() && process.string_or("boot_id", "") == boot && process.string_or("pid_namespace", "") == pid_namespace();
}

bool runs(const Json& process) {
  const std::optional<std::int64_t> start = start_of(process.int_or("pid", 0));
  return start && *start == process.int_or("started", -1);
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string line;
  std::getline(file, line);
  return line;
}

Json this_process() {
  return Json::object({{"host", host_name()},
                       {"boot_id", boot_id()},
                       {"pid_namespace", pid_namespace()},
                       {"pid", static_cast<std::int64_t>(::getpid())},
                       {"started", start_of(::getpid()).value_or(-1)}});
}

bool is_surely_dead(const Json& process) { return is_of_this_machine(process) && !runs(process); }
bool is_surely_alive(const Json& process) { return is_of_this_machine(process) && runs(process); }

std::string name_of_process(const Json& process) {
  return "process " + std::to_string(process.int_or("pid", 0)) + " on " + process.string_or("host", "another machine");
}

}  // namespace millpond
