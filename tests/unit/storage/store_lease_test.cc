#include "storage/store_lease.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "memory_store.h"
#include "storage/files_by_scheme.h"
#include "storage/process_identity.h"

namespace millpond {
namespace {

using std::chrono::milliseconds;

const std::string kFolder = "s3://bucket/job";
const std::string kLease = kFolder + "/lease";
constexpr StoreLeaseTimes kQuick{milliseconds{20}, milliseconds{400}};

struct World {
  std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
  std::shared_ptr<FileSystem> files = files_by_scheme(local_file_system(), store);

  Result<std::unique_ptr<StoreLease>> acquire(std::function<void()> on_lost = {}) {
    return StoreLease::acquire(*files, kFolder, std::move(on_lost), kQuick);
  }
};

// A holder of whom nobody here can tell whether it lives.
std::string foreign(int beat) {
  Json holder = Json::object({{"host", "elsewhere"}, {"boot_id", "other"}, {"pid", 7}, {"token", "theirs"}, {"beat", beat}});
  return holder.dump();
}

void wait_for(const std::function<bool()>& is_so) {
  for (int i = 0; i < 500 && !is_so(); ++i) std::this_thread::sleep_for(milliseconds{10});
  REQUIRE(is_so());
}

}  // namespace

TEST_CASE("a folder of a store has one lease at a time") {
  World world;
  {
    const auto lease = world.acquire();
    REQUIRE(lease.is_ok());
    CHECK((*lease)->check().is_ok());
    CHECK((*lease)->confirm().is_ok());
    const Status second = world.acquire().status();
    CHECK(second.code() == StatusCode::kConflict);
    CHECK(second.message().find("process " + std::to_string(::getpid())) != std::string::npos);
  }
  CHECK(world.store->objects().empty());
  CHECK(world.acquire().is_ok());
}

TEST_CASE("of many that want a store's lease at once one gets it") {
  World world;
  std::atomic<int> won{0};
  std::atomic<int> told{0};
  std::vector<std::unique_ptr<StoreLease>> held(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < held.size(); ++i) {
    threads.emplace_back([&, i] {
      auto lease = world.acquire();
      if (lease.is_ok()) {
        ++won;
        held[i] = std::move(*lease);
      } else if (lease.status().code() == StatusCode::kConflict) {
        ++told;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(won == 1);
  CHECK(told == 7);
}

TEST_CASE("the lease of a dead process of this machine is free at once") {
  World world;
  const pid_t child = ::fork();
  if (child == 0) {
    const Json self = this_process();
    ::_exit(is_surely_alive(self) ? 0 : 1);
  }
  int status = -1;
  Json dead = this_process();
  dead.set("pid", static_cast<std::int64_t>(child));
  dead.set("token", "theirs");
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(is_surely_dead(dead));
  // A number that another process has by now.
  Json reused = this_process();
  reused.set("started", 1);
  CHECK(is_surely_dead(reused));
  world.store->put(kLease, dead.dump());
  CHECK(StoreLease::acquire(*world.files, kFolder, {}, {milliseconds{20}, milliseconds{60'000}}).is_ok());
}

TEST_CASE("the lease of another machine is free when nobody writes it any more") {
  World world;
  world.store->put(kLease, foreign(1));
  const auto begin = std::chrono::steady_clock::now();
  CHECK(world.acquire().is_ok());
  CHECK(std::chrono::steady_clock::now() - begin >= kQuick.patience);
}

TEST_CASE("the lease of another machine that lives is taken") {
  World world;
  world.store->put(kLease, foreign(1));
  std::atomic<bool> is_done{false};
  std::thread other([&] {
    for (int beat = 2; !is_done; ++beat) {
      world.store->put(kLease, foreign(beat));
      std::this_thread::sleep_for(milliseconds{20});
    }
  });
  CHECK(world.acquire().status().code() == StatusCode::kConflict);
  is_done = true;
  other.join();
}

TEST_CASE("who lost the lease is told, and leaves the other's alone") {
  World world;
  std::atomic<int> told{0};
  {
    const auto lease = world.acquire([&] { ++told; });
    REQUIRE(lease.is_ok());
    SECTION("another took it") { world.store->put(kLease, foreign(1)); }
    SECTION("somebody removed it") { CHECK(world.store->remove({kLease}).is_ok()); }
    wait_for([&] { return told == 1; });
    CHECK((*lease)->check().code() == StatusCode::kConflict);
  }
  CHECK(told == 1);
  if (world.store->stat(kLease).is_ok()) CHECK(world.store->get(kLease)->content == foreign(1));
}

TEST_CASE("a store that does not answer for a while takes nobody's lease") {
  World world;
  const auto lease = world.acquire();
  REQUIRE(lease.is_ok());
  world.store->fail_at(0, MemoryStore::Fault::kDeath);
  std::this_thread::sleep_for(milliseconds{100});
  CHECK((*lease)->confirm().code() == StatusCode::kUnavailable);
  world.store->heal();
  std::this_thread::sleep_for(milliseconds{100});
  CHECK((*lease)->confirm().is_ok());
}

}  // namespace millpond
