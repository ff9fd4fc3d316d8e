#include "api/frames.h"

namespace millpond {

DataFrame FrameContext::frame(Op op, std::vector<NodePtr> inputs, std::optional<Schema> schema,
                              Partitioning partitioning) const {
  NodePtr node = make_node(std::move(op), std::move(inputs), std::move(schema), std::move(partitioning), name, location);
  impl().remember_frame(node);
  return DataFrame(session, std::move(node));
}

std::optional<std::vector<Schema>> known_schemas(const std::vector<NodePtr>& nodes) {
  std::vector<Schema> schemas;
  for (const auto& node : nodes) {
    if (!node->schema) return {};
    schemas.push_back(*node->schema);
  }
  return schemas;
}

}  // namespace millpond
