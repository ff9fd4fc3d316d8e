#include "storage/lease.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "temporary_directory.h"

namespace millpond {

TEST_CASE("a folder has one lease at a time") {
  TemporaryDirectory directory;
  CHECK_FALSE(*is_leased(directory.path()));
  {
    auto lease = Lease::acquire(directory.path());
    REQUIRE(lease.is_ok());
    CHECK(*is_leased(directory.path()));
    const Status second = Lease::acquire(directory.path()).status();
    CHECK(second.code() == StatusCode::kConflict);
    CHECK(second.message().find("process " + std::to_string(::getpid())) != std::string::npos);
  }
  CHECK_FALSE(*is_leased(directory.path()));
  CHECK_FALSE(directory.exists("lease"));
  CHECK(Lease::acquire(directory.path()).is_ok());
  CHECK(Lease::acquire(directory / "missing").status().code() == StatusCode::kNotFound);
  CHECK_FALSE(*is_leased(directory / "missing"));
}

TEST_CASE("a lease ends with its process, however it dies, and is not inherited") {
  TemporaryDirectory directory;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t holder = ::fork();
  if (holder == 0) {
    auto lease = Lease::acquire(directory.path());
    const pid_t orphan = ::fork();
    if (orphan == 0) {
      ::sleep(20);
      ::_exit(0);
    }
    (void)!::write(ready[1], &orphan, sizeof(orphan));
    ::sleep(20);
    ::_exit(0);
  }
  pid_t orphan = 0;
  REQUIRE(::read(ready[0], &orphan, sizeof(orphan)) == sizeof(orphan));
  CHECK(Lease::acquire(directory.path()).status().code() == StatusCode::kConflict);
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  CHECK(directory.exists("lease"));
  CHECK(Lease::acquire(directory.path()).is_ok());
  ::kill(orphan, SIGKILL);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("of many that want a lease one has it at a time") {
  TemporaryDirectory directory;
  std::atomic<int> inside{0}, most{0}, taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        auto lease = Lease::acquire(directory.path());
        if (!lease.is_ok()) continue;
        const int now = ++inside;
        if (now > most) most = now;
        ++taken;
        --inside;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(most == 1);
  CHECK(taken > 0);
}

}  // namespace millpond
