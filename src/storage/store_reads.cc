#include "storage/store_reads.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace millpond {
namespace {

constexpr std::size_t kAtOnce = 16;

}  // namespace

void at_once(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min(kAtOnce, count); ++i) threads.emplace_back(run);
  run();
  for (std::thread& thread : threads) thread.join();
}

std::vector<Result<TaggedObject>> get_all(ObjectStore& store, const std::vector<std::string>& paths) {
  std::vector<Result<TaggedObject>> objects(paths.size(), Result<TaggedObject>(TaggedObject{}));
  at_once(paths.size(), [&](std::size_t i) { objects[i] = store.get(paths[i]); });
  return objects;
}

}  // namespace millpond
