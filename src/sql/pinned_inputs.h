#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/slice.h"
#include "duckdb/main/client_context_state.hpp"
#include "millpond/result.h"
#include "storage/file_system.h"
#include "task/task.h"

namespace duckdb {
class Connection;
class FileOpener;
}  // namespace duckdb

namespace millpond {

/// The contents that a connection's queries must find in the files they open on stores. Thread-safe.
class PinnedInputs final : public duckdb::ClientContextState {
 public:
  /// Holds a connection to the files as they were listed: what opens another content fails with kDataCorrupt.
  static duckdb::shared_ptr<PinnedInputs> hold(duckdb::Connection& connection, const std::vector<FileSlice>& files);
  static duckdb::shared_ptr<PinnedInputs> hold(duckdb::Connection& connection, const std::vector<TaskInput>& inputs);

  /// A file as it was listed, for the query that opens it; nothing where nobody pinned it.
  static std::optional<FileSlice> find(duckdb::FileOpener* opener, const std::string& path);

  /// What is said of a pinned file that a query has opened. Where the store can't be held to a content it is looked at now,
  /// and is loose.
  static Status check(duckdb::FileOpener* opener, FileSystem& files, const FileSlice& pinned, const FileInfo& opened);

  /// Whether nothing but another look afterwards can tell that all of a file's rows were of what was listed.
  bool is_loose(const FileSlice& file) const;

 private:
  std::map<std::string, FileSlice> files_;
  mutable std::mutex mutex_;
  std::set<std::string> loose_;  ///< Opened where the store can't be held to a content.
};

}  // namespace millpond
