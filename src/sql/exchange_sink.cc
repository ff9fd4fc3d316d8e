#include "sql/exchange_sink.h"

#include <atomic>
#include <utility>

#include "duckdb/common/types/column/column_data_collection.hpp"
#include "duckdb/execution/physical_operator.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "exchange/writer.h"
#include "sql/exchange_sequence.h"
#include "sql/status_exception.h"

namespace millpond {
namespace {

using duckdb::ClientContext;
using duckdb::ColumnDataCollection;
using duckdb::ExecutionContext;
using duckdb::LogicalType;

// Ends a batch whose strings turn out to be long.
constexpr std::size_t kBatchBytes = 32 << 20;

enum class RowOrder { kNone, kOneThread, kBatches };

struct SinkGlobal : duckdb::GlobalSinkState {
  explicit SinkGlobal(ExchangeTarget written)
      : target(std::move(written)),
        writer(value_or_throw(ExchangeWriter::create(target.context->files(), target.path, target.columns,
                                                     target.placer->placement().count))),
        buffers(target.context->batch_buffers()),
        sequence(*writer, *target.placer, target.batch_rows, *buffers) {}

  // Nothing that can't be read is left behind.
  ~SinkGlobal() override {
    if (is_finished) return;
    writer.reset();
    (void)target.context->files().remove_file(target.path);
  }

  const ExchangeTarget target;  // Its own: the operator is gone before its state.
  std::unique_ptr<ExchangeWriter> writer;
  const std::shared_ptr<BatchBufferPool> buffers;
  ExchangeSequence sequence;
  bool is_finished = false;
  std::atomic<std::uint64_t> received{0};  // Counted apart from what the sequence writes.
  std::atomic<std::uint64_t> next_piece{0};
};

struct SinkLocal : duckdb::LocalSinkState {
  duckdb::unique_ptr<ColumnDataCollection> rows;
  duckdb::ColumnDataAppendState append;
  std::uint64_t received = 0;
  std::uint64_t batch = 0;  // Of the source; where rows came from.
  std::uint64_t piece = 0;  // The next one within the batch.
};

class PhysicalExchangeSink : public duckdb::PhysicalOperator {
 public:
  PhysicalExchangeSink(duckdb::PhysicalPlan& plan, duckdb::vector<LogicalType> types, ExchangeTarget target,
                       RowOrder order)
      : PhysicalOperator(plan, duckdb::PhysicalOperatorType::EXTENSION, std::move(types), 1),
        target_(std::move(target)),
        order_(order) {}

  std::string GetName() const override { return "EXCHANGE_SINK"; }

  bool IsSink() const override { return true; }
  bool ParallelSink() const override { return order_ != RowOrder::kOneThread; }
  bool SinkOrderDependent() const override { return order_ == RowOrder::kOneThread; }
  duckdb::OperatorPartitionInfo RequiredPartitionInfo() const override {
    return order_ == RowOrder::kBatches ? duckdb::OperatorPartitionInfo::BatchIndex()
                                        : duckdb::OperatorPartitionInfo::NoPartitionInfo();
  }

  duckdb::unique_ptr<duckdb::GlobalSinkState> GetGlobalSinkState(ClientContext&) const override {
    return duckdb::make_uniq<SinkGlobal>(target_);
  }
  duckdb::unique_ptr<duckdb::LocalSinkState> GetLocalSinkState(ExecutionContext&) const override {
    return duckdb::make_uniq<SinkLocal>();
  }

  duckdb::SinkResultType Sink(ExecutionContext& context, duckdb::DataChunk& chunk,
                              duckdb::OperatorSinkInput& input) const override {
    auto& local = input.local_state.Cast<SinkLocal>();
    if (!local.rows) {
      local.rows = duckdb::make_uniq<ColumnDataCollection>(context.client, children[0].get().GetTypes());
      local.rows->SetPartitionIndex(0);  // The buffer manager spills such rows last.
      local.rows->InitializeAppend(local.append);
      if (order_ == RowOrder::kBatches && local.batch != local.partition_info.batch_index.GetIndex()) {
        local.batch = local.partition_info.batch_index.GetIndex();
        local.piece = 0;
      }
    }
    local.received += chunk.size();
    local.rows->Append(local.append, chunk);
    if (local.rows->Count() >= target_.batch_rows || local.rows->SizeInBytes() >= kBatchBytes) {
      hand_in(input.global_state.Cast<SinkGlobal>(), local);
    }
    return duckdb::SinkResultType::NEED_MORE_INPUT;
  }

  duckdb::SinkNextBatchType NextBatch(ExecutionContext&, duckdb::OperatorSinkNextBatchInput& input) const override {
    hand_in(input.global_state.Cast<SinkGlobal>(), input.local_state.Cast<SinkLocal>());
    return duckdb::SinkNextBatchType::READY;
  }

  duckdb::SinkNextBatchType UpdateMinBatchIndex(ExecutionContext& context,
                                                duckdb::OperatorSinkNextBatchInput& input) const override {
    return NextBatch(context, input);
  }

  duckdb::SinkCombineResultType Combine(ExecutionContext&, duckdb::OperatorSinkCombineInput& input) const override {
    auto& global = input.global_state.Cast<SinkGlobal>();
    auto& local = input.local_state.Cast<SinkLocal>();
    hand_in(global, local);
    global.received += local.received;
    return duckdb::SinkCombineResultType::FINISHED;
  }

  duckdb::SinkFinalizeType Finalize(duckdb::Pipeline&, duckdb::Event&, ClientContext&,
                                    duckdb::OperatorSinkFinalizeInput& input) const override {
    auto& global = input.global_state.Cast<SinkGlobal>();
    global.sequence.finish();
    const ExchangeTotals totals = value_or_throw(global.writer->finish(global.received.load(), target_.sync));
    global.is_finished = true;
    OutputFile file;
    file.path = target_.path;
    file.num_bytes = static_cast<std::int64_t>(totals.file_size);
    file.num_rows = static_cast<std::int64_t>(totals.rows);
    file.digest = totals.digest;
    for (std::size_t p = 0; p < totals.partitions.size(); ++p) {
      const ExchangeTotals::Partition& partition = totals.partitions[p];
      if (partition.rows == 0) continue;
      file.segments.push_back({static_cast<std::int64_t>(p), static_cast<std::int64_t>(partition.rows),
                               static_cast<std::int64_t>(partition.bytes)});
    }
    target_.context->record_written(target_.path, {std::move(file), target_.schema});
    return duckdb::SinkFinalizeType::READY;
  }

  bool IsSource() const override { return true; }

  duckdb::SourceResultType GetDataInternal(ExecutionContext&, duckdb::DataChunk& chunk,
                                           duckdb::OperatorSourceInput&) const override {
    chunk.data[0].Append(duckdb::Value::BIGINT(static_cast<std::int64_t>(sink_state->Cast<SinkGlobal>().received)));
    return duckdb::SourceResultType::FINISHED;
  }

 private:
  void hand_in(SinkGlobal& global, SinkLocal& local) const {
    const bool in_batches = order_ == RowOrder::kBatches;
    if (local.rows && local.rows->Count() > 0) {
      const ExchangeSequence::Place place =
          in_batches ? ExchangeSequence::Place{local.batch, local.piece++} : ExchangeSequence::Place{global.next_piece++, 0};
      global.sequence.add(place, std::move(local.rows));
    }
    local.rows.reset();
    global.sequence.advance(in_batches ? local.partition_info.min_batch_index.GetIndex() : ExchangeSequence::kAll);
  }

  const ExchangeTarget target_;
  const RowOrder order_;
};

RowOrder row_order(ClientContext& context, duckdb::PhysicalOperator& child) {
  if (!duckdb::PhysicalPlanGenerator::PreserveInsertionOrder(context, child)) return RowOrder::kNone;
  return duckdb::PhysicalPlanGenerator::UseBatchIndex(context, child) ? RowOrder::kBatches : RowOrder::kOneThread;
}

}  // namespace

LogicalExchangeSink::LogicalExchangeSink(ExchangeTarget target, duckdb::TableIndex table_index)
    : target_(std::move(target)), table_index_(table_index) {}

duckdb::PhysicalOperator& LogicalExchangeSink::CreatePlan(ClientContext& context, duckdb::PhysicalPlanGenerator& planner) {
  duckdb::PhysicalOperator& child = planner.CreatePlan(*children[0]);
  duckdb::PhysicalOperator& sink = planner.Make<PhysicalExchangeSink>(types, target_, row_order(context, child));
  sink.children.push_back(child);
  return sink;
}

duckdb::vector<duckdb::ColumnBinding> LogicalExchangeSink::GetColumnBindings() {
  return {duckdb::ColumnBinding(table_index_, duckdb::ProjectionIndex(0))};
}

duckdb::vector<duckdb::TableIndex> LogicalExchangeSink::GetTableIndex() const { return {table_index_}; }

void LogicalExchangeSink::ResolveTypes() { types = {LogicalType::BIGINT}; }

}  // namespace millpond
