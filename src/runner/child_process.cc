#include "runner/child_process.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace millpond {
namespace {

// The child's socket, after its standard streams.
constexpr int kChildSocket = 3;
// Ours are moved above this, so that no dup2 in the child hits one that is still needed.
constexpr int kHighFd = 10;

Status system_error(const std::string& what, int error) {
  return Status(StatusCode::kUnavailable, what + ": " + std::strerror(error));
}

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { close(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  /// Takes over a low descriptor under a high number.
  void move_up() {
    if (fd_ < 0 || fd_ >= kHighFd) return;
    const int moved = ::fcntl(fd_, F_DUPFD_CLOEXEC, kHighFd);
    close();
    fd_ = moved;
  }
  void reset(int fd) {
    close();
    fd_ = fd;
  }

 private:
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd_;
};

/// posix_spawn's two objects with their ends.
struct SpawnPlan {
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

void plan_files(SpawnPlan& plan, int log, int socket) {
  posix_spawn_file_actions_addopen(&plan.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&plan.actions, log, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&plan.actions, log, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&plan.actions, socket, kChildSocket);
  posix_spawn_file_actions_addclosefrom_np(&plan.actions, kChildSocket + 1);
}

/// A group of its own: Ctrl-C at the terminal is the driver's to handle, and one kill ends what the worker started.
void plan_signals(SpawnPlan& plan) {
  sigset_t none;
  sigset_t usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD}) sigaddset(&usual, signal);
  posix_spawnattr_setpgroup(&plan.attributes, 0);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &usual);
  posix_spawnattr_setflags(&plan.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

}  // namespace

Result<ChildProcess> spawn_child(const std::vector<std::string>& command, const std::string& log_path) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return system_error("no socket for a worker", errno);
  }
  Fd ours(pair[0]);
  Fd theirs(pair[1]);
  const char* log_name = log_path.empty() ? "/dev/null" : log_path.c_str();
  Fd log(::open(log_name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (log.get() < 0) return system_error("can't open the worker's log " + log_path, errno);
  ours.move_up();
  theirs.move_up();
  log.move_up();
  if (ours.get() < 0 || theirs.get() < 0 || log.get() < 0) return system_error("no descriptor for a worker", errno);
  if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return system_error("can't set up a worker's socket", errno);

  std::vector<std::string> arguments = command;
  arguments.push_back(std::to_string(kChildSocket));
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  SpawnPlan plan;
  plan_files(plan, log.get(), theirs.get());
  plan_signals(plan);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &plan.actions, &plan.attributes, argv.data(), environ);
  if (error != 0) return system_error("can't start the worker " + command[0], error);
  return ChildProcess{pid, ours.release()};
}

std::optional<ChildEnd> poll_child(pid_t pid) {
  int status = 0;
  const pid_t ended = ::waitpid(pid, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
  // Someone else in this process waits for any child, or ignores SIGCHLD.
  if (ended < 0) return ChildEnd{"ended, nobody knows how"};
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    const char* name = ::sigabbrev_np(signal);
    return ChildEnd{"was killed by signal " + std::to_string(signal) +
                        (name == nullptr ? "" : std::string(" (SIG") + name + ")"),
                    signal, false};
  }
  return ChildEnd{"exited with code " + std::to_string(WEXITSTATUS(status))};
}

void kill_child(pid_t pid) {
  // The group may not be there yet or any more; the process is ours until it was waited for.
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
}

std::string file_tail(const std::string& path, std::size_t limit) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const auto size = static_cast<std::size_t>(std::max<std::streamoff>(0, file.tellg()));
  file.seekg(static_cast<std::streamoff>(size - std::min(size, limit)));
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (size > limit) {
    const std::size_t line = text.find('\n');
    if (line != std::string::npos) text.erase(0, line + 1);
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::int64_t kernel_memory_kills() {
  std::ifstream file("/proc/vmstat");
  std::string name;
  std::int64_t value = 0;
  while (file >> name >> value) {
    if (name == "oom_kill") return value;
  }
  return 0;
}

}  // namespace millpond
