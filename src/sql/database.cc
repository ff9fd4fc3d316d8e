#include "sql/database.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/machine.h"
#include "duckdb/common/enums/optimizer_type.hpp"
#include "duckdb/main/config.hpp"
#include "duckdb/main/connection.hpp"
#include "sql/errors.h"
#include "sql/scan_memory.h"

namespace millpond {
namespace {

// What a task's setup statements may SET although the configuration is locked: settings of one connection that change the
// meaning of its own statements and nothing else.
constexpr const char* kTaskSettings[] = {
    "TimeZone", "Calendar", "default_collation", "default_order", "default_null_order", "search_path", "schema",
    "integer_division", "ieee_floating_point_ops", "order_by_non_integer_literal", "old_implicit_casting",
    "preserve_identifier_case", "scalar_subquery_error_on_multiple_rows", "pivot_limit", "pivot_filter_threshold",
    "error_on_division_by_zero", "lambda_syntax", "max_expression_depth",
};

// Plans of these passes can't be cut into tasks (docs/decisions/0012-queries-cut-into-plans-of-steps.md).
constexpr duckdb::OptimizerType kUncuttable[] = {
    duckdb::OptimizerType::COMPRESSED_MATERIALIZATION,
    duckdb::OptimizerType::LATE_MATERIALIZATION,
    duckdb::OptimizerType::TOP_N_WINDOW_ELIMINATION,
    duckdb::OptimizerType::SAMPLING_PUSHDOWN,
    // These put states of aggregates into the plan: a type that SQL has no name for, so it can't cross from task to task.
    duckdb::OptimizerType::PARTIAL_AGGREGATE_PUSHDOWN,
    duckdb::OptimizerType::GROUPING_SETS,
    duckdb::OptimizerType::DISTINCT_AGGREGATE_REWRITE,
    duckdb::OptimizerType::AGGREGATE_REUSE,
    // A part of an aggregate's ORDER BY that is computed below it binds no more beside DISTINCT. Tasks do this themselves.
    duckdb::OptimizerType::COMMON_SUBEXPRESSIONS,
};

void set(duckdb::DBConfig& config, const char* name, duckdb::Value value) { config.SetOptionByName(name, value); }

void configure(duckdb::DBConfig& config, const EngineOptions& options) {
  using duckdb::Value;
  const std::int64_t threads = options.threads > 0 ? options.threads : usable_cores();
  const std::int64_t memory = options.memory_limit_bytes > 0 ? options.memory_limit_bytes : usable_memory() / 5 * 4;
  set(config, "threads", Value::BIGINT(threads));
  set(config, "async_threads", Value::BIGINT(threads_reading_disks(threads)));
  config.options.maximum_memory = static_cast<duckdb::idx_t>(memory);
  config.options.use_temporary_directory = !options.temp_directory.empty();
  config.options.temporary_directory = options.temp_directory;
  set(config, "autoinstall_known_extensions", Value::BOOLEAN(false));
  set(config, "autoload_known_extensions", Value::BOOLEAN(false));
  set(config, "allow_community_extensions", Value::BOOLEAN(false));
  set(config, "allow_unsigned_extensions", Value::BOOLEAN(false));
  set(config, "allow_persistent_secrets", Value::BOOLEAN(false));
  set(config, "preserve_insertion_order", Value::BOOLEAN(true));
  if (options.planner) {
    for (duckdb::OptimizerType type : kUncuttable) config.options.disabled_optimizers.insert(type);
  }
  for (const char* name : kTaskSettings) config.options.allowed_configs.insert(duckdb::Identifier(name));
}

}  // namespace

Result<std::shared_ptr<duckdb::DuckDB>> open_database(const EngineOptions& options) {
  return without_exceptions([&]() -> Result<std::shared_ptr<duckdb::DuckDB>> {
    duckdb::DBConfig config;
    configure(config, options);
    auto database = std::make_shared<duckdb::DuckDB>(nullptr, &config);
    duckdb::Connection connection(*database);
    // Options of the Parquet extension exist only once it is loaded; the lock comes last.
    for (const char* statement : {"SET GLOBAL parquet_metadata_cache = true",
                                  // Large reads from stores are cut into requests of this size, side by side. A request costs a
                                  // store as much as a megabyte of its answer: with 2 MB, the default, that is a third of all.
                                  "SET GLOBAL external_file_cache_remote_max_block_size = 8388608",
                                  "SET GLOBAL lock_configuration = true"}) {
      const auto result = connection.Query(statement);
      if (result->HasError()) return to_status(result->GetErrorObject());
    }
    return database;
  });
}

}  // namespace millpond
