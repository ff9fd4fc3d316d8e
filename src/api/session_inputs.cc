#include <utility>

#include "api/frames.h"
#include "api/session_impl.h"
#include "base/quote.h"
#include "stage/planner.h"
#include "stage/resolve.h"

namespace millpond {
namespace {

/// Neighbouring partitions of one kind are read as one input.
void add_input(std::vector<TaskInput>& inputs, const Schema& schema, ResolvedPartition partition) {
  if (partition.slices.empty()) return;
  if (!inputs.empty() && inputs.back().scan == partition.scan) {
    auto& slices = inputs.back().slices;
    slices.insert(slices.end(), partition.slices.begin(), partition.slices.end());
    return;
  }
  inputs.push_back({"in" + std::to_string(inputs.size()), schema, std::move(partition.scan), std::move(partition.slices)});
}

}  // namespace

Result<std::vector<TaskInput>> Session::Impl::inputs_of(const NodePtr& node, std::optional<std::int64_t> partition,
                                                           HeldResults& held) {
  std::vector<TaskInput> inputs;
  if (auto files = std::holds_alternative<WriteOp>(node->op) ? find_written(node) : std::nullopt) {
    MILLPOND_ASSIGN_OR_RETURN(TaskInput written, written_files_input(*files));
    return std::vector<TaskInput>{std::move(written)};
  }
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<NodePtr> plans, optimized({node}, held));
  MILLPOND_ASSIGN_OR_RETURN(const StageGraph graph, plan_stages(plans, planner_context()));
  if (!graph.stages.empty()) return Status::internal("a computed frame still has work to do");
  SourceResolver resolver(graph.stages, [](std::int64_t, std::int64_t) -> const TaskResult& {
    static const TaskResult kNone;
    return kNone;
  });
  const SourcePtr& source = graph.roots.front().source;
  const Schema schema = node->schema ? *node->schema : plans.front()->schema.value_or(Schema{});
  for (std::int64_t i = partition.value_or(0); i < (partition ? *partition + 1 : source->count); ++i) {
    MILLPOND_ASSIGN_OR_RETURN(ResolvedPartition resolved, resolver.partition(source, i));
    add_input(inputs, schema, std::move(resolved));
  }
  if (inputs.empty()) inputs.push_back({"in0", schema, {}, {}});
  return inputs;
}

/// The rows of a write: what it put in place, as a small relation.
Result<TaskInput> Session::Impl::written_files_input(const std::vector<OutputFile>& files) {
  std::string values;
  for (const auto& file : files) {
    values += (values.empty() ? "(" : ", (") + quote_literal(file.path) + ", " + (file.num_rows < 0 ? "NULL" : std::to_string(file.num_rows)) + "::BIGINT, " +
              std::to_string(file.num_bytes) + "::BIGINT)";
  }
  const std::string query = values.empty()
                                ? "SELECT ''::VARCHAR AS path, 0::BIGINT AS rows, 0::BIGINT AS bytes WHERE false"
                                : "SELECT * FROM (VALUES " + values + ") t(path, rows, bytes)";
  MILLPOND_ASSIGN_OR_RETURN(ArrowStream stream, engine_->read(query, {}));
  MILLPOND_ASSIGN_OR_RETURN(const TaskResult stored, engine_->write_exchange(std::move(stream), new_values_directory()));
  TaskInput input{"in0", stored.schema, {}, {}};
  if (auto slice = segment_slice(stored, 0)) input.slices.emplace_back(std::move(*slice));
  return input;
}

}  // namespace millpond
