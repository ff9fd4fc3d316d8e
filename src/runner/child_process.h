#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "millpond/result.h"

namespace millpond {

/// A child in a process group of its own, and our end of the socket to it.
struct ChildProcess {
  pid_t pid = -1;
  int fd = -1;  ///< Non-blocking, close-on-exec; the owner closes it.
};

/// Starts `command` with the number of its end of the socket as further argument. The child has nothing else open but
/// /dev/null as input and `log_path` (created 0600, appended to; empty: /dev/null) as output and error.
/// The calling thread must live as long as the child, which asks to be killed with it.
Result<ChildProcess> spawn_child(const std::vector<std::string>& command, const std::string& log_path);

/// How a child ended: "was killed by signal 9 (SIGKILL)", "exited with code 3".
struct ChildEnd {
  std::string how;
  int signal = 0;
  bool out_of_memory = false;  ///< Known to be so.
};
/// None while it runs. Never blocks.
std::optional<ChildEnd> poll_child(pid_t pid);

/// SIGKILL to the child's whole group.
void kill_child(pid_t pid);

/// The last lines of a file, at most `limit` bytes; empty when it can't be read.
std::string file_tail(const std::string& path, std::size_t limit);

/// How many processes the kernel has killed on this machine for want of memory, since it started; 0 if it doesn't say.
std::int64_t kernel_memory_kills();

}  // namespace millpond
