#pragma once

#include <string>
#include <vector>

#include "duckdb/main/connection.hpp"
#include "millpond/result.h"
#include "sql/engine.h"

namespace millpond {

// What the describe functions of the formats share.

/// All rows of a statement, each a list of values. For small results.
using ValueRows = std::vector<std::vector<duckdb::Value>>;
Result<ValueRows> query_values(duckdb::Connection& connection, const std::string& statement);

/// The columns that a SELECT gives, by binding it. Readers open files for it, but no rows are read.
Result<Schema> bind_columns(duckdb::Connection& connection, const std::string& select);

/// Completes a set whose own columns are known: adds folder, filename and row-number columns as the options say, with
/// their types, by binding the pinned reader. Also proves that the reader takes its options.
Result<Engine::FileSet> with_declared_columns(duckdb::Connection& connection, Engine::FileSet set, const Schema& columns);

/// Fills the types of hive columns that have none (types of their values over all files).
Status pin_hive_types(ScanOptions& options, const Schema& schema);

std::vector<std::string> paths_of(const std::vector<FileSlice>& files);

/// The same error with the file named.
Status in_file(const Status& status, const std::string& path);

/// Two files of one data set differ: names both.
Status files_differ(const std::string& first, const std::string& other, const std::string& how);

Result<Engine::FileSet> describe_parquet(duckdb::Connection& connection, FileSystem& files, Engine::FileSet set);
Result<Engine::FileSet> describe_csv(duckdb::Connection& connection, FileSystem& files, Engine::FileSet set,
                                     const Schema& declared);
Result<Engine::FileSet> describe_json(duckdb::Connection& connection, Engine::FileSet set, const Schema& declared);

}  // namespace millpond
