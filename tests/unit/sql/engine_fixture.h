#pragma once

#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "sql/engine.h"
#include "storage/file_system.h"

namespace millpond {

/// A folder of its own for a test, removed when it ends.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "millpond_sql_XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// An engine with two threads over the local disk.
inline std::unique_ptr<Engine> open_engine(EngineOptions options = {}) {
  if (options.threads == 0) options.threads = 2;
  if (options.memory_limit_bytes == 0) options.memory_limit_bytes = std::int64_t{1} << 30;
  Result<std::unique_ptr<Engine>> engine = Engine::open(options, local_file_system());
  INFO(engine.status().to_string());
  REQUIRE(engine.is_ok());
  return std::move(engine).value();
}

inline std::unique_ptr<Engine> open_planner() {
  EngineOptions options;
  options.planner = true;
  return open_engine(options);
}

template <typename T>
T value_of(Result<T> result) {
  INFO(result.status().to_string());
  REQUIRE(result.is_ok());
  return std::move(result).value();
}

/// The rows as text, by DuckDB itself: each row "a|b", NULL as "NULL".
std::vector<std::string> rows_of(Engine& engine, const std::string& query, const std::vector<TaskInput>& inputs = {});

/// A task that writes the rows of `query` as Parquet files to `directory`.
Task parquet_task(const std::string& query, const std::string& directory);

/// Runs a task that must succeed.
TaskResult run(Engine& engine, const Task& task);

/// The file as a slice with its size and time.
FileSlice file_slice(const std::string& path);

/// A task input over files of a format, described by the engine.
TaskInput file_input(Engine& engine, const std::string& name, const std::vector<std::string>& paths, FileFormat format,
                     const Schema& declared = {});

void write_text(const std::string& path, const std::string& text);

}  // namespace millpond
