#include <utility>

#include "api/frames.h"
#include "base/quote.h"
#include "data/schema.h"

namespace millpond {
namespace {

FrameContext action(const DataFrame& frame, const char* name) { return {frame.session(), name, frame.node()->location}; }

/// Rows that are known without reading any, or -1.
std::int64_t known_rows(const NodePtr& node, const KeptResultPtr& kept) {
  std::int64_t rows = 0;
  if (kept) {
    for (const auto& partition : kept->partitions) {
      for (const auto& segment : partition) rows += slice_rows(segment);
    }
    return rows;
  }
  if (const auto* scan = std::get_if<ScanOp>(&node->op)) {
    for (const auto& file : scan->files) {
      const std::int64_t more = slice_rows(file);
      if (more < 0) return -1;
      rows += more;
    }
    return rows;
  }
  if (const auto* values = std::get_if<ValuesOp>(&node->op)) {
    for (const auto& partition : values->partitions) {
      for (const auto& segment : partition) rows += slice_rows(segment);
    }
    return rows;
  }
  // Dealing by number is done to be counted: it refuses numbers out of range.
  const auto* repartition = std::get_if<RepartitionOp>(&node->op);
  if (repartition != nullptr && repartition->kind == RepartitionOp::Kind::kRepeat) return -1;
  if (repartition != nullptr && repartition->kind != RepartitionOp::Kind::kNumber) return known_rows(node->inputs.front(), {});
  return -1;
}

/// The only number that a query of one row and column gives.
Result<std::int64_t> read_number(Session::Impl& session, const std::vector<TaskInput>& inputs, const std::string& query) {
  MILLPOND_ASSIGN_OR_RETURN(ArrowStream stream, session.engine().read(query, inputs));
  while (true) {
    ArrowArray array{};
    if (stream->get_next(stream.get(), &array) != 0) {
      const char* error = stream->get_last_error(stream.get());
      return Status::internal(error == nullptr ? "reading a count failed" : error);
    }
    if (array.release == nullptr) return Status::internal("a count gave no row");
    std::optional<std::int64_t> number;
    if (array.length > 0) {
      const ArrowArray& column = *array.children[0];
      number = static_cast<const std::int64_t*>(column.buffers[1])[column.offset];
    }
    array.release(&array);
    if (number) return *number;
  }
}

/// "in0", or the union of all inputs in order.
std::string all_rows(const std::vector<TaskInput>& inputs) {
  std::string query;
  for (const auto& input : inputs) query += (query.empty() ? "SELECT * FROM " : " UNION ALL SELECT * FROM ") + input.name;
  return query;
}

Result<ArrowStream> stream_of(const DataFrame& frame, std::optional<std::int64_t> partition,
                              std::shared_ptr<Status> failure) {
  Session::Impl& session = frame.session()->impl();
  MILLPOND_ASSIGN_OR_RETURN(const NodePtr node, session.resolve(frame.node()));
  auto held = std::make_shared<HeldResults>();
  MILLPOND_RETURN_IF_ERROR(session.run({node}, held.get()));
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<TaskInput> inputs, session.inputs_of(node, partition, *held));
  const ErrorContext place{frame.node()->location, frame.node()->name, {}, {}, {}};
  return session.engine().read(all_rows(inputs), inputs, {held, std::move(failure), place, node->schema});
}

}  // namespace

std::optional<Schema> DataFrame::schema() const {
  if (node_->schema) return node_->schema;
  if (auto kept = session_->impl().find_kept(node_)) return kept->schema;
  return {};
}

Result<Schema> DataFrame::resolve_schema() const {
  if (auto known = schema()) return *known;
  MILLPOND_ASSIGN_OR_RETURN(const NodePtr node, session_->impl().resolve(node_));
  return *node->schema;
}

std::int64_t DataFrame::num_partitions() const { return node_->partitioning.count; }

std::string DataFrame::partitioning() const { return partitioning_to_string(node_->partitioning); }

std::string DataFrame::plan_json() const { return plan_to_json(node_).dump(2); }

Status DataFrame::compute() const { return session_->impl().run({node_}); }

Status DataFrame::recompute() const {
  session_->impl().forget(node_);
  return Status::ok();
}

bool DataFrame::is_computed() const {
  return session_->impl().find_kept(node_) != nullptr || session_->impl().find_written(node_).has_value();
}

Result<std::int64_t> DataFrame::count() const {
  Session::Impl& session = session_->impl();
  const std::int64_t known = known_rows(node_, session.find_kept(node_));
  if (known >= 0) return known;
  HeldResults held;
  // What a user's function made is kept, since making it twice may cost much; a query is cheaper counted than kept.
  if (has_call(node_) || std::holds_alternative<WriteOp>(node_->op)) {
    MILLPOND_RETURN_IF_ERROR(session.run({node_}, &held));
    const std::int64_t computed = known_rows(node_, session.find_kept(node_));
    if (computed >= 0) return computed;
    MILLPOND_ASSIGN_OR_RETURN(const NodePtr node, session.resolve(node_));
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<TaskInput> inputs, session.inputs_of(node, {}, held));
    return read_number(session, inputs, "SELECT count(*)::BIGINT FROM (" + all_rows(inputs) + ")");
  }
  MILLPOND_ASSIGN_OR_RETURN(const DataFrame counts,
                            make_partial_sql(action(*this, "count"), "SELECT count(*)::BIGINT AS n FROM {0}", {node_}, false));
  MILLPOND_RETURN_IF_ERROR(session.run({counts.node()}, &held));
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<TaskInput> inputs, session.inputs_of(counts.node(), {}, held));
  return read_number(session, inputs, "SELECT coalesce(sum(n), 0)::BIGINT FROM (" + all_rows(inputs) + ")");
}

Result<ArrowStream> DataFrame::to_arrow(std::shared_ptr<Status> failure) const {
  return stream_of(*this, {}, std::move(failure));
}

Result<ArrowStream> DataFrame::to_arrow_partition(std::int64_t partition, std::shared_ptr<Status> failure) const {
  if (partition < 0 || partition >= num_partitions()) {
    return action(*this, "to_arrow").fail(Status::invalid_argument("there is no partition " + std::to_string(partition) +
                                                                   "; the frame has " + this->partitioning()));
  }
  return stream_of(*this, partition, std::move(failure));
}

}  // namespace millpond
