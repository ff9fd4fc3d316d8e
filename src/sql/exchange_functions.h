#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "data/schema.h"
#include "data/slice.h"
#include "exchange/reader.h"
#include "millpond/result.h"
#include "storage/file_system.h"
#include "task/task.h"

namespace duckdb {
class DatabaseInstance;
}

namespace millpond {

class BatchBufferPool;

/// What one COPY wrote.
struct WrittenExchange {
  OutputFile file;  ///< Rows and bytes a partition, and the index digest.
  Schema schema;    ///< Of the query's rows, with columns that only served placement.
};

/// What the exchange's COPY and table functions of one DuckDB instance share: the store they work on, and what each
/// finished COPY wrote. Thread-safe.
class ExchangeContext {
 public:
  explicit ExchangeContext(std::shared_ptr<FileSystem> files) : files_(std::move(files)) {}

  FileSystem& files() const { return *files_; }

  /// The verified index of a file. Kept when its digest is known, so that the tasks of one process verify each file's
  /// index once; the least recently used are dropped beyond about 64 MB.
  Result<std::shared_ptr<const ExchangeFile>> open(const std::string& path, const std::string& digest);

  /// What the COPY to exactly `path` wrote, once. kNotFound when no COPY to that path has finished since the last call.
  Result<WrittenExchange> take_written(const std::string& path);

  /// Called by the COPY when its file is complete and synced.
  void record_written(const std::string& path, WrittenExchange written);

  /// Buffers for all that write at the same time; they are gone when the last of these lets go.
  std::shared_ptr<BatchBufferPool> batch_buffers();

 private:
  std::shared_ptr<FileSystem> files_;
  std::mutex mutex_;
  std::map<std::string, WrittenExchange> written_;
  std::weak_ptr<BatchBufferPool> batch_buffers_;

  struct Kept {
    std::shared_ptr<const ExchangeFile> file;
    std::uint64_t last_use = 0;
  };
  std::map<std::pair<std::string, std::string>, Kept> kept_;  // By path and digest.
  std::size_t kept_bytes_ = 0;
  std::uint64_t uses_ = 0;
};

/// Registers in `database`:
///   COPY … TO 'path' (FORMAT exchange, …)       one exchange file; see exchange_copy_sql
///   millpond_exchange(paths, partitions, …)     the rows of partitions; see exchange_scan_sql
///   millpond_partition(n, k1, k2, …) → INTEGER  the partition of a row with these keys among n
///   millpond_hash(k1, k2, …) → UBIGINT          the hash it is made of (docs/partition-hash.md)
///   millpond_bloom…                             see bloom_functions.h
/// The instance keeps `context` alive. kInternal with DuckDB's text when a name is taken.
Status register_exchange_functions(duckdb::DatabaseInstance& database, std::shared_ptr<ExchangeContext> context);

/// The statement that writes the rows of `query` as one exchange file: "COPY (…) TO '…' (FORMAT exchange, …)".
/// Parents of `path` exist, the file does not. With `sync` the file's content survives a power cut when the statement
/// returns (5 ms or more); without, a file that a power cut spoiled is found by its checksums when it is opened or
/// read.
std::string exchange_copy_sql(const std::string& query, const std::string& path, const Placement& placement,
                              bool sync = true);

/// How exchange data is read; 0: the scan's own choice.
struct ExchangeReading {
  std::int64_t threads = 0;     ///< At most so many.
  std::int64_t batch_rows = 0;  ///< With one thread, at most so many rows have one batch index.
};

/// A table function call that gives the rows of `slices` in order, with exactly the columns of `schema`:
/// "millpond_exchange([…], […], …)". No slices: zero rows. Files are opened when it runs, not when it is bound, and
/// are checked against the slices' digests and `schema`.
std::string exchange_scan_sql(const std::vector<SegmentSlice>& slices, const Schema& schema, ExchangeReading reading = {});

}  // namespace millpond
