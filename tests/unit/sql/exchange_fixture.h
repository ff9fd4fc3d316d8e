#pragma once

#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "duckdb.hpp"
#include "duckdb/main/config.hpp"
#include "sql/errors.h"
#include "sql/exchange_functions.h"
#include "temporary_directory.h"

namespace millpond {

/// A DuckDB with the exchange's functions and a directory that goes with it.
class ExchangeDatabase {
 public:
  explicit ExchangeDatabase(int threads = 2, std::shared_ptr<FileSystem> files = local_file_system())
      : context_(std::make_shared<ExchangeContext>(std::move(files))) {
    duckdb::DBConfig config;
    config.SetOptionByName("threads", duckdb::Value::BIGINT(threads));
    database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
    const Status registered = register_exchange_functions(*database_->instance, context_);
    INFO(registered.to_string());
    REQUIRE(registered.is_ok());
    connection_ = std::make_unique<duckdb::Connection>(*database_);
  }

  ExchangeContext& context() { return *context_; }
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }

  /// The rows, or a failed test.
  duckdb::unique_ptr<duckdb::QueryResult> run(const std::string& sql) {
    auto result = connection_->Query(sql);
    INFO(sql);
    if (result->HasError()) FAIL(result->GetError());
    return result;
  }

  /// The error, or a failed test.
  Status fail(const std::string& sql) {
    auto result = connection_->Query(sql);
    INFO(sql);
    REQUIRE(result->HasError());
    return to_status(result->GetErrorObject());
  }

  Status try_run(const std::string& sql) {
    auto result = connection_->Query(sql);
    return result->HasError() ? to_status(result->GetErrorObject()) : Status::ok();
  }

  /// The first value of the only row as text.
  std::string value(const std::string& sql) { return run(sql)->Fetch()->GetValue(0, 0).ToString(); }

  /// Writes a query as an exchange file and returns what the COPY recorded.
  OutputFile write(const std::string& query, const std::string& name, const Placement& placement = {}) {
    run(exchange_copy_sql(query, path(name), placement));
    auto written = context_->take_written(path(name));
    INFO(written.status().to_string());
    REQUIRE(written.is_ok());
    return written->file;
  }

  /// A call that reads all rows of one partition; the columns come from the file.
  std::string scan(const std::string& name, int partition) const {
    return "millpond_exchange(['" + path(name) + "'], [" + std::to_string(partition) + "])";
  }

  /// A call that reads all partitions of a file, one after the other.
  std::string scan_all(const std::string& name, std::int64_t partitions) const {
    std::string paths;
    std::string numbers;
    for (std::int64_t p = 0; p < partitions; ++p) {
      paths += (p > 0 ? ", '" : "'") + path(name) + "'";
      numbers += (p > 0 ? ", " : "") + std::to_string(p);
    }
    return "millpond_exchange([" + paths + "], [" + numbers + "])";
  }

 private:
  TemporaryDirectory directory_;
  std::shared_ptr<ExchangeContext> context_;
  std::unique_ptr<duckdb::DuckDB> database_;
  std::unique_ptr<duckdb::Connection> connection_;
};

inline Placement hash_placement(std::vector<std::string> keys, std::int64_t count) {
  Placement placement;
  placement.kind = Placement::Kind::kHash;
  placement.keys = std::move(keys);
  placement.count = count;
  return placement;
}

}  // namespace millpond
