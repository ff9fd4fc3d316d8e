#include "optimize/optimizer.h"

namespace millpond {

// Repartition[b](Repartition[a](x))  ->  Repartition[b](x)
//
// Where a row goes depends on its own values only (hash, number), so an earlier dealing can't matter. Dealing by files,
// rows or chance looks at positions, which an earlier dealing changes: those stay.
NodePtr collapse_repartitions(const NodePtr& node, const OptimizeContext&) {
  const auto* outer = std::get_if<RepartitionOp>(&node->op);
  if (outer == nullptr) return node;
  if (outer->kind != RepartitionOp::Kind::kHash && outer->kind != RepartitionOp::Kind::kNumber) return node;
  const NodePtr& input = node->inputs.front();
  if (!std::holds_alternative<RepartitionOp>(input->op)) return node;
  return with_inputs(node, input->inputs);
}

}  // namespace millpond
