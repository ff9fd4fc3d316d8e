#include <algorithm>

#include "base/quote.h"
#include "data/schema.h"
#include "optimize/optimizer.h"

namespace millpond {
namespace {

// Whether a row's partition follows from the keys alone. Where equal keys may be dealt to neighbours, all columns decide.
bool is_by_keys(const RepartitionOp& op) {
  using Kind = RepartitionOp::Kind;
  return op.kind == Kind::kHash || op.kind == Kind::kNumber || (op.kind == Kind::kRange && !op.splits_ties);
}

}  // namespace

// PartialSql[reads c](Repartition[hash k | number k | range k](x))
//   ->  PartialSql[reads c](PartialSql[SELECT c ∪ k, NULL AS …](Repartition[…](PartialSql[SELECT c ∪ k](x))))
//
// Columns whose values nobody reads after the exchange aren't written to it. The query may still name them (in a * whose
// rows are all filtered out, say), so they come back as NULLs. Only where the exchange has this one reader, and its keys
// are plain columns.
NodePtr prune_exchange_columns(const NodePtr& node, const OptimizeContext& context) {
  const auto* sql = std::get_if<PartialSqlOp>(&node->op);
  if (sql == nullptr || sql->traits.used_columns.size() != node->inputs.size()) return node;
  for (std::size_t i = 0; i < node->inputs.size(); ++i) {
    const auto& used = sql->traits.used_columns[i];
    const NodePtr& exchange = node->inputs[i];
    const auto* repartition = std::get_if<RepartitionOp>(&exchange->op);
    if (!used || repartition == nullptr || !exchange->schema) continue;
    if (!is_by_keys(*repartition)) continue;
    const auto consumers = context.consumers.find(exchange.get());
    if (consumers == context.consumers.end() || consumers->second > 1) continue;
    auto is_wanted = [&](const Column& column) {
      auto same = [&](const std::string& name) { return same_column_name(name, column.name); };
      return std::any_of(used->begin(), used->end(), same) ||
             std::any_of(repartition->keys.begin(), repartition->keys.end(), same);
    };
    const bool plain_keys = std::all_of(repartition->keys.begin(), repartition->keys.end(), [&](const std::string& key) {
      return find_column(*exchange->schema, key) >= 0;
    });
    if (!plain_keys) continue;
    Schema kept;
    std::copy_if(exchange->schema->begin(), exchange->schema->end(), std::back_inserter(kept), is_wanted);
    if (kept.empty() || kept.size() == exchange->schema->size()) continue;
    PartialSqlOp projection;
    PartialSqlOp restored;
    for (const Column& column : *exchange->schema) {
      const std::string name = quote_identifier(column.name);
      restored.query += restored.query.empty() ? "SELECT " : ", ";
      if (find_column(kept, column.name) < 0) {
        restored.query += "NULL::" + column.type + " AS " + name;
        continue;
      }
      restored.query += name;
      projection.query += (projection.query.empty() ? "SELECT " : ", ") + name;
    }
    projection.query += " FROM {0}";
    restored.query += " FROM {0}";
    for (PartialSqlOp* added : {&projection, &restored}) {
      added->is_global = sql->is_global;
      added->divisible_inputs = {0};
    }
    const NodePtr& source = exchange->inputs.front();
    NodePtr pruned = make_node(projection, {source}, kept, source->partitioning, "prune columns", exchange->location);
    std::vector<NodePtr> dealt = exchange->inputs;
    dealt.front() = pruned;
    NodePtr smaller = make_node(exchange->op, std::move(dealt), kept, exchange->partitioning, exchange->name, exchange->location);
    std::vector<NodePtr> inputs = node->inputs;
    inputs[i] = make_node(restored, {smaller}, exchange->schema, exchange->partitioning, "prune columns", exchange->location);
    return with_inputs(node, std::move(inputs));
  }
  return node;
}

}  // namespace millpond
