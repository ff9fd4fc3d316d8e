#include "optimize/optimizer.h"

namespace millpond {

// Repartition[b](Repartition[a](x))  ->  Repartition[b](x)
//
// Where a row goes depends on its own values only (b is by hash or number), so an earlier dealing can't matter. When b is by
// files, rows or chance it looks at positions, which an earlier dealing changes: those stay. An earlier dealing by number
// stays too: it refuses numbers out of range. A repetition makes rows, and a nested dealing lies within the earlier one.
// Dealing by range looks at its rows twice, so deal_by_ranges() leaves out an earlier dealing when the frame is made.
NodePtr collapse_repartitions(const NodePtr& node, const OptimizeContext&) {
  const auto* outer = std::get_if<RepartitionOp>(&node->op);
  if (outer == nullptr) return node;
  if (outer->kind != RepartitionOp::Kind::kHash && outer->kind != RepartitionOp::Kind::kNumber) return node;
  const NodePtr& input = node->inputs.front();
  const auto* inner = std::get_if<RepartitionOp>(&input->op);
  if (outer->nested || inner == nullptr) return node;
  if (inner->kind == RepartitionOp::Kind::kNumber || inner->kind == RepartitionOp::Kind::kRepeat) return node;
  return with_inputs(node, {input->inputs.front()});
}

}  // namespace millpond
