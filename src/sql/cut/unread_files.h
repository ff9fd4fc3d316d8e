#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "millpond/file_bounds.h"
#include "millpond/result.h"
#include "sql/engine.h"

namespace duckdb {
class DuckDB;
}

namespace millpond {

/// Tells which files of its inputs a query reads no row of, by what is known of their columns' values. Holds an instance of
/// DuckDB for planning alone, which takes about 15 ms to open. Thread-safe.
class UnreadFiles {
 public:
  static Result<std::unique_ptr<UnreadFiles>> open();
  ~UnreadFiles();

  /// The files of an input, and what is known of them.
  struct Question {
    std::string input;
    std::shared_ptr<const FileBounds> bounds;
  };
  /// Of each such input, the files that the query's filters let no row pass of. As long as planning takes, and about a
  /// microsecond a file and filter.
  Result<std::vector<std::set<std::string>>> of(const std::string& query, const std::vector<BoundInput>& inputs,
                                                const std::vector<Question>& questions);

 private:
  explicit UnreadFiles(std::shared_ptr<duckdb::DuckDB> database);

  const std::shared_ptr<duckdb::DuckDB> database_;
};

}  // namespace millpond
