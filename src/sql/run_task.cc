#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "duckdb/common/string_util.hpp"
#include "duckdb/main/client_config.hpp"
#include "duckdb/main/settings.hpp"
#include "duckdb/parallel/task_scheduler.hpp"
#include "duckdb/planner/planner.hpp"
#include "sql/arrow_export.h"
#include "sql/call_types.h"
#include "sql/engine.h"
#include "sql/engine_impl.h"
#include "sql/errors.h"
#include "sql/exact_cuts.h"
#include "sql/inputs.h"
#include "sql/lossless_types.h"
#include "sql/pinned_inputs.h"
#include "sql/run_statement.h"
#include "sql/scan_memory.h"
#include "sql/setup.h"
#include "sql/statements.h"
#include "sql/streaming_plan.h"
#include "sql/unreadable_input.h"
#include "sql/verify_files.h"
#include "sql/write_files.h"

namespace millpond {
namespace {

// Row groups that wait to be written. DuckDB itself asks for half of this at least.
constexpr std::size_t kWaitingBytesPerColumnAndThread = std::size_t{8} << 20;

// DuckDB's ordered copy takes one step for each batch that comes, and two to bring a row group to its file: with a batch for
// each, row groups pile up.
constexpr std::int64_t kRowsOfHalfARowGroup = DEFAULT_ROW_GROUP_SIZE / 2;

bool has_own_row_groups(const WriteOptions& options) {
  return std::ranges::any_of(options.copy_options, [](const auto& option) {
    const std::string name = duckdb::StringUtil::Lower(option.first);
    return name.starts_with("row_group") || name == "chunk_size";
  });
}

std::int64_t known_rows(const std::vector<TaskInput>& inputs) {
  std::int64_t rows = 0;
  for (const TaskInput& input : inputs) {
    for (const Slice& slice : input.slices) rows += std::max<std::int64_t>(slice_rows(slice), 0);
  }
  return rows;
}

bool has_intervals(const std::vector<TaskInput>& inputs) {
  return std::any_of(inputs.begin(), inputs.end(), [](const TaskInput& input) {
    return std::any_of(input.schema.begin(), input.schema.end(), [](const Column& column) { return column.type == "INTERVAL"; });
  });
}

// One run of one task: what its steps share.
class TaskRun {
 public:
  TaskRun(Engine::Impl& engine, std::shared_ptr<duckdb::DuckDB> database, const Task& task, const CallHandler& handler,
          const std::atomic<bool>& cancel)
      : engine_(engine), database_(std::move(database)), task_(task), handler_(handler), cancel_(cancel) {}

  const TaskMetrics& metrics() const { return metrics_; }

  Status run(TaskResult& result) {
    MILLPOND_RETURN_IF_ERROR(check());
    MILLPOND_RETURN_IF_ERROR(verify_untagged(*engine_.files, task_.inputs));
    MILLPOND_RETURN_IF_ERROR(engine_.files->make_directories(task_.output.directory));
    connection_ = std::make_unique<duckdb::Connection>(*database_);
    fit_scan(*connection_, *engine_.files, task_);
    const auto pinned = PinnedInputs::hold(*connection_, task_.inputs);
    if (has_intervals(task_.inputs)) sort_few_rows();
    MILLPOND_RETURN_IF_ERROR(prepare());
    if (task_.call.has_value()) MILLPOND_RETURN_IF_ERROR(call());
    MILLPOND_RETURN_IF_ERROR(check_files());
    const Status written = task_.output.exchange.has_value() ? write_exchange(result) : write_files(result);
    // What the function was fed with failed: its own failure is only the echo.
    if (!written.is_ok()) return input_failure_->is_ok() ? written : *input_failure_;
    return verify_files(*engine_.files, task_.inputs, [&](const FileSlice& file) { return pinned->is_loose(file); });
  }

 private:
  Status check() const {
    if (task_.version != kTaskVersion) {
      return Status::unsupported("the task has version " + std::to_string(task_.version) + ", this program runs " +
                                 std::to_string(kTaskVersion));
    }
    if (task_.output.directory.empty()) return Status::internal("the task has no output directory");
    if (task_.output.exchange.has_value() == task_.output.files.has_value()) {
      return Status::internal("the task must write either an exchange file or files for the user");
    }
    if (task_.output.exchange.has_value() == task_.output.exchange_file.empty()) {
      return Status::internal("the task must name its exchange file, and only that");
    }
    return Status::ok();
  }

  // Where it expects five rows or fewer DuckDB joins by comparing each with each, which it can't with intervals. Others it sorts.
  void sort_few_rows() {
    using Threshold = duckdb::NestedLoopJoinThresholdSetting;
    duckdb::ClientConfig::GetConfig(*connection_->context).user_settings.SetUserSetting(Threshold::SettingIndex, duckdb::Value::UBIGINT(0));
  }

  // Puts the inputs around the query. Setup statements see them as views.
  Status prepare() {
    MILLPOND_ASSIGN_OR_RETURN(std::vector<Relation> relations, input_relations({}));
    MILLPOND_RETURN_IF_ERROR(run_setup(*connection_, task_.setup, relations));
    if (!needs_schema()) {
      set_rows(task_.query, relations);
      return Status::ok();
    }
    const std::string key = BoundSchemas::key_of(task_);
    std::optional<BoundTask> known = engine_.bound_schemas.find(key);
    if (!known.has_value()) {
      MILLPOND_ASSIGN_OR_RETURN(ParsedStatement select, parse_select(*connection_, task_.query));
      set_rows(select.text, relations);
      MILLPOND_ASSIGN_OR_RETURN(known, bind_rows(std::move(select.text)));
      engine_.bound_schemas.add(key, *known);
    }
    bound_ = std::move(*known);
    if (reads_with_one_thread()) {
      MILLPOND_ASSIGN_OR_RETURN(relations, input_relations({.threads = 1, .batch_rows = kRowsOfHalfARowGroup}));
    }
    set_rows(bound_.query, relations);
    return Status::ok();
  }

  // The name of an input, and its SELECT.
  using Relation = std::pair<std::string, std::string>;

  Result<std::vector<Relation>> input_relations(ExchangeReading reading) const {
    std::vector<Relation> relations;
    for (const TaskInput& input : task_.inputs) {
      MILLPOND_ASSIGN_OR_RETURN(std::string select, input_select(input, reading));
      relations.emplace_back(input.name, std::move(select));
    }
    return relations;
  }

  // Only where a batch becomes half a row group at most: of what else it becomes, one thread alone lets the rest pile up.
  bool reads_with_one_thread() const {
    const auto& files = task_.output.files;
    return task_.resources.threads == 1 && !task_.call.has_value() && files.has_value() && files->format == FileFormat::kParquet &&
           !has_own_row_groups(*files) && bound_.streams && !bound_.may_add_rows;
  }

  // Whether the schema must be known before the rows are; the exchange's COPY tells it with its file.
  bool needs_schema() const { return task_.call.has_value() || task_.output.files.has_value(); }

  void set_rows(const std::string& query, const std::vector<Relation>& relations) {
    text_.query = query;
    rows_sql_ = with_relations(query, relations, &text_.prefix);
  }

  Result<BoundTask> bind_rows(std::string query) {
    return without_exceptions(text_, [&]() -> Result<BoundTask> {
      BoundTask bound;
      connection_->context->RunFunctionInTransaction([&] {
        duckdb::Planner planner(*connection_->context);
        planner.CreatePlan(parse_own(*connection_, rows_sql_));
        bound = {std::move(query), schema_of(planner.names, planner.types), planner.types, is_streaming(*planner.plan), may_add_rows(*planner.plan)};
      });
      return bound;
    });
  }

  // DuckDB's ordered copy lets rows pile up, as far as a quarter of all memory, while they wait for one thread that writes.
  void limit_waiting_rows() {
    if (!bound_.streams) return;  // A join or a sort needs the memory for itself.
    const auto threads = duckdb::TaskScheduler::GetScheduler(*connection_->context).NumberOfThreads();
    duckdb::ClientConfig::GetConfig(*connection_->context).operator_memory_limit =
        kWaitingBytesPerColumnAndThread * bound_.types.size() * threads;
  }

  // Sends the query's rows through the user's function; from here on the rows are what it gives back.
  Status call() {
    if (!handler_) return Status::unsupported("this process can't run functions of another language");
    const std::string carried = select_for_arrow(rows_sql_, bound_.schema, bound_.types);
    text_.prefix += carried.find(rows_sql_);
    rows_sql_ = carried;
    ExportOptions options;
    options.cancel = &cancel_;
    options.failure = input_failure_;
    MILLPOND_ASSIGN_OR_RETURN(
        ArrowStream input, export_rows(std::move(connection_), rows_sql_, text_, database_, std::move(options)));
    MILLPOND_ASSIGN_OR_RETURN(ArrowStream output, handler_(*task_.call, std::move(input), task_));
    lease_.emplace(RowStreams::add(engine_.row_streams, std::move(output)));
    connection_ = std::make_unique<duckdb::Connection>(*database_);
    rows_sql_ = lease_->select();
    text_ = {};
    MILLPOND_ASSIGN_OR_RETURN(bound_, bind_rows({}));
    if (!task_.call->schema) return Status::ok();
    // Arrow has fewer types than DuckDB: what left as one of its own comes back as another.
    const std::string declared = select_as_declared(rows_sql_, bound_.schema, *task_.call->schema);
    if (declared == rows_sql_) return Status::ok();
    rows_sql_ = declared;
    MILLPOND_ASSIGN_OR_RETURN(bound_, bind_rows({}));
    return Status::ok();
  }

  Status check_files() const {
    for (std::size_t i = 0; i < bound_.schema.size() && task_.output.files.has_value(); ++i) {
      MILLPOND_RETURN_IF_ERROR(check_lossless(bound_.schema[i].name, bound_.types[i], task_.output.files->format));
    }
    return Status::ok();
  }

  Result<duckdb::unique_ptr<duckdb::QueryResult>> copy(const std::string& statement) {
    // "COPY (" stands before what text_ counts from.
    QueryText text = text_;
    text.prefix += statement.find(rows_sql_);
    InstanceUse use;
    auto done = run_statement(*connection_, statement, text, cancel_, &use);
    metrics_.peak_memory_bytes = use.peak_memory_bytes;
    metrics_.spill_bytes = use.spill_bytes;
    return done;
  }

  Status write_exchange(TaskResult& result) {
    const std::string path = task_.output.directory + "/" + task_.output.exchange_file;
    // Not synced: that costs more than a small task. What a power cut spoils is found by the digests when it is read, and
    // computed again.
    const Status copied = copy(exchange_copy_sql(rows_sql_, path, *task_.output.exchange, false)).status();
    MILLPOND_RETURN_IF_ERROR(copied);
    MILLPOND_ASSIGN_OR_RETURN(WrittenExchange written, engine_.exchange->take_written(path));
    written.file.path = task_.output.exchange_file;
    result.schema = std::move(written.schema);
    result.files.push_back(std::move(written.file));
    return Status::ok();
  }

  Status write_files(TaskResult& result) {
    result.schema = bound_.schema;
    limit_waiting_rows();
    const WriteOptions& options = *task_.output.files;
    if (cuts_exactly(options) && options.partition_by.empty()) return write_cuts(result);
    MILLPOND_ASSIGN_OR_RETURN(const std::string statement,
                              write_files_sql(rows_sql_, options, task_.output.directory, file_stem(task_)));
    MILLPOND_ASSIGN_OR_RETURN(const auto done, copy(statement));
    MILLPOND_ASSIGN_OR_RETURN(result.files, written_files(*done, *engine_.files, options, task_.output.directory));
    return Status::ok();
  }

  Status write_cuts(TaskResult& result) {
    const WriteOptions& options = *task_.output.files;
    const std::string& directory = task_.output.directory;
    const auto run_query = [this](const std::string& statement) { return copy(statement); };
    const auto run = [this](const std::string& statement) { return run_statement(*connection_, statement, {}, cancel_); };
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<WrittenFile> written,
                              write_exact_cuts(rows_sql_, bound_.schema, options, directory, file_stem(task_), run_query, run));
    MILLPOND_ASSIGN_OR_RETURN(result.files, finish_files(written, *engine_.files, directory));
    return Status::ok();
  }

  Engine::Impl& engine_;
  const std::shared_ptr<duckdb::DuckDB> database_;
  const Task& task_;
  const CallHandler& handler_;
  const std::atomic<bool>& cancel_;
  std::unique_ptr<duckdb::Connection> connection_;
  std::optional<RowStreams::Lease> lease_;
  const std::shared_ptr<Status> input_failure_ = std::make_shared<Status>();
  BoundTask bound_;
  TaskMetrics metrics_;  // Of memory and spilling.
  std::string rows_sql_;  // A query whose rows are written.
  QueryText text_;
};

}  // namespace

TaskResult Engine::run_task(const Task& task, const CallHandler& handler, const std::atomic<bool>& cancel) {
  const auto begin = std::chrono::steady_clock::now();
  TaskResult result;
  result.task = task.id;
  result.attempt = task.attempt;
  result.directory = task.output.directory;
  result.status = without_exceptions([&] {
    const auto run_on = [&](const std::shared_ptr<duckdb::DuckDB>& database) {
      trim_footers(*database->instance, task);
      TaskRun run(*impl_, database, task, handler, cancel);
      const Status status = run.run(result);
      result.metrics = run.metrics();
      return status;
    };
    const std::shared_ptr<duckdb::DuckDB> database = impl_->database_for(task);
    const Status status = run_on(database);
    const std::shared_ptr<duckdb::DuckDB> large = impl_->database();
    if (status.code() != StatusCode::kOutOfMemory || database == large) return status;
    // The task looked small and is not. An unfinished exchange file is gone already.
    if (task.output.files.has_value()) MILLPOND_RETURN_IF_ERROR(impl_->files->remove_tree(task.output.directory));
    return run_on(large);
  });
  if (!result.status.is_ok()) {
    result.status = blame_unreadable_input(*impl_->database(), *impl_->files, task.inputs, result.status);
    result.files.clear();
    ErrorContext context;
    context.location = task.location;
    context.node = task.node;
    context.task = "stage " + std::to_string(task.stage) + ", partition " + std::to_string(task.partition);
    result.status = result.status.with_context(context);
  }
  result.metrics.rows_in = known_rows(task.inputs);
  for (const OutputFile& file : result.files) {
    result.metrics.rows_out += std::max<std::int64_t>(file.num_rows, 0);
    result.metrics.bytes_out += file.num_bytes;
  }
  result.metrics.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

Result<TaskResult> Engine::write_exchange(ArrowStream stream, const std::string& directory) {
  return without_exceptions([&]() -> Result<TaskResult> {
    const RowStreams::Lease lease = RowStreams::add(impl_->row_streams, std::move(stream));
    Task task;
    task.query = lease.select();
    task.output.directory = directory;
    task.output.exchange_file = "rows.exchange";
    task.output.exchange = Placement{};
    const std::atomic<bool> cancel{false};
    TaskResult result = run_task(task, {}, cancel);
    if (!result.status.is_ok()) return result.status;
    return result;
  });
}

}  // namespace millpond
