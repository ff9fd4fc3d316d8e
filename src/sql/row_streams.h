#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "duckdb/main/database.hpp"
#include "millpond/arrow.h"
#include "millpond/result.h"

namespace millpond {

/// Arrow streams that statements of one DuckDB instance read as relations. A stream can be read once: a statement must
/// name it once. Thread-safe.
class RowStreams {
 public:
  /// Registers millpond_rows(id) in `database`; the instance keeps `streams` alive.
  static Status register_function(duckdb::DatabaseInstance& database, std::shared_ptr<RowStreams> streams);

  /// A stream under its own number, until this goes.
  class Lease {
   public:
    Lease(std::shared_ptr<RowStreams> streams, std::int64_t id) : streams_(std::move(streams)), id_(id) {}
    Lease(Lease&& other) noexcept : streams_(std::move(other.streams_)), id_(other.id_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    /// "FROM millpond_rows(7)".
    std::string select() const;

   private:
    std::shared_ptr<RowStreams> streams_;
    std::int64_t id_;
  };
  static Lease add(const std::shared_ptr<RowStreams>& streams, ArrowStream stream);

  struct Source;
  /// The stream called `id`, nullptr when there is none.
  duckdb::shared_ptr<Source> find(std::int64_t id);

 private:
  std::mutex mutex_;
  std::int64_t next_id_ = 1;
  std::map<std::int64_t, duckdb::shared_ptr<Source>> sources_;
};

}  // namespace millpond
