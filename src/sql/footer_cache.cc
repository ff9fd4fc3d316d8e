#include "sql/footer_cache.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "duckdb/storage/object_cache.hpp"

namespace millpond {
namespace {

// A task that reads this much takes some tenths of a second, and reading its footers again a thousandth of that.
constexpr std::int64_t kLargeTask = std::int64_t{256} << 20;
// By DuckDB's estimate, which is about a third of what footers of few columns take.
constexpr duckdb::idx_t kKeptBytes = duckdb::idx_t{8} << 20;

std::int64_t bytes_of_files(const Task& task) {
  std::int64_t bytes = 0;
  for (const TaskInput& input : task.inputs) {
    if (!input.scan.has_value()) continue;
    for (const Slice& slice : input.slices) bytes += slice_bytes(slice);
  }
  return bytes;
}

}  // namespace

void trim_footers(duckdb::DatabaseInstance& instance, const Task& task) {
  duckdb::ObjectCache& cache = instance.GetObjectCache();
  const duckdb::idx_t kept = bytes_of_files(task) >= kLargeTask ? 0 : kKeptBytes;
  const duckdb::idx_t held = cache.GetCurrentMemory();
  if (held <= kept) return;
  cache.EvictToReduceMemory(held - kept);
#if defined(__GLIBC__)
  // They were made by the thread that planned, and its heap is of no use to those which run the task.
  malloc_trim(0);
#endif
}

}  // namespace millpond
