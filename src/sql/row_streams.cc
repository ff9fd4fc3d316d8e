#include "sql/row_streams.h"

#include <utility>

#include "duckdb/function/table/arrow.hpp"
#include "duckdb/main/extension/extension_loader.hpp"
#include "sql/errors.h"
#include "sql/status_exception.h"

namespace millpond {

namespace {

// Whoever gives the rows is the user's own code, so its failure is not DuckDB's: the code says so through all layers.
struct UserStream : public duckdb::ArrowArrayStreamWrapper {
  duckdb::shared_ptr<duckdb::ArrowArrayWrapper> GetNextChunk() override {
    auto chunk = duckdb::make_shared_ptr<duckdb::ArrowArrayWrapper>();
    const int code = arrow_array_stream.get_next(&arrow_array_stream, &chunk->arrow_array);
    if (code == 0) return chunk;
    const char* text = arrow_array_stream.get_last_error(&arrow_array_stream);
    throw_status(Status(StatusCode::kUserFunction, text == nullptr ? "the stream of rows failed and did not say why" : text));
  }
};

}  // namespace

struct RowStreams::Source : public duckdb::ArrowScanFactory {
  explicit Source(ArrowStream given) : stream(std::move(given)) {}

  void GetSchema(ArrowSchema& schema) override {
    const std::lock_guard lock(mutex);
    if (!stream.is_valid()) throw duckdb::InvalidInputException("this stream of rows has been read already");
    if (stream->get_schema(stream.get(), &schema) != 0) throw_status(Status(StatusCode::kUserFunction, last_error()));
  }

  duckdb::unique_ptr<duckdb::ArrowArrayStreamWrapper> ProduceStream(duckdb::ArrowStreamParameters&) override {
    const std::lock_guard lock(mutex);
    if (!stream.is_valid()) throw duckdb::InvalidInputException("this stream of rows has been read already");
    auto wrapper = duckdb::make_uniq<UserStream>();
    wrapper->arrow_array_stream = stream.release();
    return wrapper;
  }

  std::string last_error() {
    const char* text = stream->get_last_error(stream.get());
    return text == nullptr ? "the stream of rows failed and did not say why" : text;
  }

  std::mutex mutex;
  ArrowStream stream;
};

namespace {

struct RowStreamsInfo : public duckdb::TableFunctionInfo {
  std::shared_ptr<RowStreams> streams;
};

// The callbacks of DuckDB's own Arrow scan are protected members of it.
struct ArrowScan : public duckdb::ArrowTableFunction {
  static duckdb::unique_ptr<duckdb::FunctionData> bind(duckdb::ClientContext& context,
                                                       duckdb::TableFunctionBindInput& input,
                                                       duckdb::vector<duckdb::LogicalType>& types,
                                                       duckdb::vector<duckdb::Identifier>& names) {
    const auto id = input.inputs[0].GetValue<std::int64_t>();
    const auto source = input.info->Cast<RowStreamsInfo>().streams->find(id);
    if (source == nullptr) throw duckdb::BinderException("there is no stream of rows %lld", id);
    // The factory must outlive the plan, which DuckDB keeps by its own shared pointer.
    auto data = duckdb::make_uniq<duckdb::ArrowScanFunctionData>(source);
    source->GetSchema(data->schema_root.arrow_schema);
    PopulateArrowTableSchema(context, data->arrow_table, data->schema_root.arrow_schema);
    for (const auto& name : data->arrow_table.GetNames()) names.emplace_back(name);
    types = data->arrow_table.GetTypes();
    data->all_types = types;
    if (types.empty()) throw duckdb::InvalidInputException("the stream of rows has no columns");
    data->projection_pushdown_enabled = false;
    return data;
  }

  static duckdb::TableFunction function() {
    duckdb::TableFunction function("millpond_rows", {duckdb::LogicalType::BIGINT}, ArrowScanFunction, bind,
                                   ArrowScanInitGlobal, ArrowScanInitLocal);
    function.cardinality = ArrowScanCardinality;
    function.get_partition_data = ArrowGetPartitionData;
    function.projection_pushdown = false;
    function.filter_pushdown = false;
    return function;
  }
};

}  // namespace

Status RowStreams::register_function(duckdb::DatabaseInstance& database, std::shared_ptr<RowStreams> streams) {
  return without_exceptions([&]() -> Status {
    auto info = duckdb::make_shared_ptr<RowStreamsInfo>();
    info->streams = std::move(streams);
    duckdb::TableFunction function = ArrowScan::function();
    function.function_info = std::move(info);
    duckdb::ExtensionLoader loader(database, "millpond");
    loader.RegisterFunction(function);
    return Status::ok();
  });
}

RowStreams::Lease RowStreams::add(const std::shared_ptr<RowStreams>& streams, ArrowStream stream) {
  const std::lock_guard lock(streams->mutex_);
  const std::int64_t id = streams->next_id_++;
  streams->sources_[id] = duckdb::make_shared_ptr<Source>(std::move(stream));
  return Lease(streams, id);
}

duckdb::shared_ptr<RowStreams::Source> RowStreams::find(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(id);
  return found == sources_.end() ? nullptr : found->second;
}

RowStreams::Lease::~Lease() {
  if (streams_ == nullptr) return;
  // Taken out under the lock, released without it: releasing a stream may run foreign code.
  duckdb::shared_ptr<Source> last;
  const std::lock_guard lock(streams_->mutex_);
  const auto found = streams_->sources_.find(id_);
  if (found == streams_->sources_.end()) return;
  last = std::move(found->second);
  streams_->sources_.erase(found);
}

std::string RowStreams::Lease::select() const { return "FROM millpond_rows(" + std::to_string(id_) + ")"; }

}  // namespace millpond
