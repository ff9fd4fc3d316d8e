#include "runner/worker_body.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

namespace millpond {
namespace {

class ChildBody final : public WorkerBody {
 public:
  explicit ChildBody(pid_t pid) : pid_(pid) {}
  std::optional<ChildEnd> poll() override { return poll_child(pid_); }
  void kill() override { kill_child(pid_); }
  // What the process started in its own group ends with it.
  void bury() override { ::kill(-pid_, SIGKILL); }

 private:
  const pid_t pid_;
};

class RemoteBody final : public WorkerBody {
 public:
  RemoteBody(std::shared_ptr<WorkerLauncher> launcher, std::int64_t number)
      : launcher_(std::move(launcher)), number_(number) {}

  std::optional<ChildEnd> poll() override {
    std::optional<WorkerEnd> end = launcher_->ended(number_);
    if (!end) return std::nullopt;
    return ChildEnd{std::move(end->how), 0, end->out_of_memory};
  }
  void kill() override { launcher_->kill(number_); }
  void bury() override {}

 private:
  const std::shared_ptr<WorkerLauncher> launcher_;
  const std::int64_t number_;
};

}  // namespace

Result<StartedWorker> start_child_worker(const std::vector<std::string>& command, const std::string& log_path) {
  MILLPOND_ASSIGN_OR_RETURN(const ChildProcess child, spawn_child(command, log_path));
  return StartedWorker{std::make_unique<ChildBody>(child.pid), child.fd};
}

Result<StartedWorker> start_remote_worker(std::shared_ptr<WorkerLauncher> launcher, std::int64_t number,
                                         const WorkerShare& share) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || ::fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
    return Status(StatusCode::kUnavailable, std::string("no socket for a worker: ") + std::strerror(errno),
                  "raise ulimit -n");
  }
  const Status started = launcher->start(number, share, pair[1]);
  if (!started.is_ok()) {
    ::close(pair[0]);
    return started;
  }
  return StartedWorker{std::make_unique<RemoteBody>(std::move(launcher), number), pair[0]};
}

}  // namespace millpond
