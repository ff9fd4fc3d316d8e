// Rows in partitions that follow each other in an order: sampled, bounded, dealt.

#include <algorithm>
#include <utility>

#include "api/frames.h"
#include "data/schema.h"
#include "sql/range_queries.h"

namespace millpond {
namespace {

/// Keys that are looked at, for each partition that is to be: the partitions' sizes then differ by a tenth or so.
constexpr std::int64_t kSampledKeys = 256;

NodePtr gathered(const FrameContext& context, const NodePtr& node) {
  if (node->partitioning.count == 1) return node;
  RepartitionOp op;
  op.kind = RepartitionOp::Kind::kConsolidate;
  return context.frame(op, {node}, node->schema, single_partition()).node();
}

/// Columns that decide the order, up to the first key that is none.
std::vector<Partitioning::Range> ranges_of(const RepartitionOp& op, const Schema& schema) {
  std::vector<Partitioning::Range> ranges;
  for (std::size_t i = 0; i < op.keys.size(); ++i) {
    const int column = find_column(schema, op.keys[i]);
    if (column < 0) break;
    ranges.push_back({schema[static_cast<std::size_t>(column)].name, op.orders[i]});
  }
  return ranges;
}

/// Whether equal values of these keys' columns make equal keys.
bool equal_values_meet(const std::vector<Partitioning::Key>& keys, const Schema& schema) {
  return std::all_of(keys.begin(), keys.end(), [&](const Partitioning::Key& key) {
    return std::all_of(key.columns.begin(), key.columns.end(), [&](const std::string& column) {
      const int at = find_column(schema, column);
      return at >= 0 && equals_only_itself(schema[static_cast<std::size_t>(at)].type);
    });
  });
}

}  // namespace

Result<NodePtr> deal_by_ranges(const FrameContext& context, const NodePtr& rows, const NodePtr& sampled, RepartitionOp op) {
  if (op.count == 1) return gathered(context, rows);
  const RangeKeys by{op.keys, op.orders};
  const std::int64_t wanted = (kSampledKeys * op.count + sampled->partitioning.count - 1) / sampled->partitioning.count;
  const std::string sample_query = range_sample_query(by, *sampled->schema, std::max(kSampledKeys, wanted));
  const FrameContext sampling{context.session, context.name + ": a sample of the keys", context.location};
  MILLPOND_ASSIGN_OR_RETURN(const DataFrame sample, make_partial_sql(sampling, sample_query, {sampled}, false));
  const FrameContext bounding{context.session, context.name + ": the bounds of the ranges", context.location};
  PartialSqlOp bounds_op;
  bounds_op.query = range_bounds_query(op.count);
  MILLPOND_ASSIGN_OR_RETURN(BoundSql bound, bind_partial_sql(context.impl(), bounds_op.query, {*sample.node()->schema}));
  bounds_op.traits = std::move(bound.traits);
  // Rows that come in another order give another sample. Should the bounds be lost, what was dealt by them is void.
  bounds_op.traits.is_volatile = true;
  const NodePtr all = gathered(bounding, sample.node());
  const NodePtr bounds = bounding.frame(std::move(bounds_op), {all}, std::move(bound.schema), single_partition()).node();

  op.kind = RepartitionOp::Kind::kRange;
  Partitioning partitioning = other_partitioning(Partitioning::Kind::kRange, op.count,
                                                 "range/" + std::to_string(op.count) + "/" + bounds->fingerprint);
  partitioning.ranges = ranges_of(op, *rows->schema);
  if (!op.splits_ties) {
    partitioning.determined_by = key_sources(context.impl(), op.keys, *rows->schema);
    if (!equal_values_meet(partitioning.determined_by, *rows->schema)) partitioning.determined_by.clear();
  }
  return context.frame(std::move(op), {rows, bounds}, rows->schema, std::move(partitioning)).node();
}

}  // namespace millpond
