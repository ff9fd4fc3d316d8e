#include "sql/scan_memory.h"

#include <algorithm>
#include <mutex>
#include <variant>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "duckdb/main/client_config.hpp"
#include "duckdb/main/config.hpp"
#include "duckdb/main/settings.hpp"
#include "duckdb/parallel/task_scheduler.hpp"
#include "duckdb/storage/object_cache.hpp"

namespace millpond {
namespace {

// A task that reads this much takes some tenths of a second, and reading its footers again a thousandth of that.
constexpr std::int64_t kLargeTask = std::int64_t{256} << 20;
// By DuckDB's estimate, which is about a third of what footers of few columns take.
constexpr duckdb::idx_t kKeptBytes = duckdb::idx_t{8} << 20;
// DuckDB's own way is as many pieces as a share of all memory holds. From a disk, more than one a thread is hardly faster.
constexpr std::int64_t kLeastPiecesAhead = 2;

std::int64_t bytes_of_files(const Task& task) {
  std::int64_t bytes = 0;
  for (const TaskInput& input : task.inputs) {
    if (!input.scan.has_value()) continue;
    for (const Slice& slice : input.slices) bytes += slice_bytes(slice);
  }
  return bytes;
}

bool reads_much(const Task& task) { return bytes_of_files(task) >= kLargeTask; }

bool is_on_disks(const FileSystem& files, const Task& task) {
  for (const TaskInput& input : task.inputs) {
    for (const Slice& slice : input.slices) {
      const auto* file = std::get_if<FileSlice>(&slice);
      if (file != nullptr && !files.is_local_disk(file->path)) return false;
    }
  }
  return true;
}

void read_stores(duckdb::DatabaseInstance& instance) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  auto& scheduler = duckdb::TaskScheduler::GetScheduler(instance);
  const auto threads = static_cast<std::int64_t>(scheduler.NumberOfThreads());
  if (static_cast<std::int64_t>(scheduler.NumberOfAsyncThreads()) != threads_reading_disks(threads)) return;
  duckdb::AsyncThreadsSetting::ResetGlobal(&instance, duckdb::DBConfig::GetConfig(instance));
}

}  // namespace

void trim_footers(duckdb::DatabaseInstance& instance, const Task& task) {
  duckdb::ObjectCache& cache = instance.GetObjectCache();
  const duckdb::idx_t kept = reads_much(task) ? 0 : kKeptBytes;
  const duckdb::idx_t held = cache.GetCurrentMemory();
  if (held <= kept) return;
  cache.EvictToReduceMemory(held - kept);
#if defined(__GLIBC__)
  // They were made by the thread that planned, and its heap is of no use to those which run the task.
  malloc_trim(0);
#endif
}

std::int64_t threads_reading_disks(std::int64_t threads) { return std::max<std::int64_t>(threads / 2, 1); }

void fit_scan(duckdb::Connection& connection, const FileSystem& files, const Task& task) {
  duckdb::ClientContext& context = *connection.context;
  const bool on_disks = is_on_disks(files, task);
  if (!on_disks) read_stores(*context.db);
  if (!reads_much(task)) return;
  auto& settings = duckdb::ClientConfig::GetConfig(context).user_settings;
  duckdb::ExtensionOption footers;
  if (duckdb::DBConfig::GetConfig(context).TryGetExtensionOption("parquet_metadata_cache", footers)) {
    settings.SetUserSetting(footers.setting_index.GetIndex(), duckdb::Value::BOOLEAN(false));
  }
  if (!on_disks) return;
  const auto threads = static_cast<std::int64_t>(duckdb::TaskScheduler::GetScheduler(context).NumberOfThreads());
  settings.SetUserSetting(duckdb::ReadAheadDepthSetting::SettingIndex,
                          duckdb::Value::BIGINT(std::max(threads, kLeastPiecesAhead)));
}

}  // namespace millpond
