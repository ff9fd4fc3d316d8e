#include "plan/node.h"

#include <unordered_map>
#include <utility>

#include "base/hash.h"

namespace millpond {

NodePtr make_node(Op op, std::vector<NodePtr> inputs, std::optional<Schema> schema, Partitioning partitioning,
                  std::string name, std::string location) {
  auto node = std::make_shared<Node>();
  node->op = std::move(op);
  node->inputs = std::move(inputs);
  node->schema = std::move(schema);
  node->partitioning = std::move(partitioning);
  node->name = std::move(name);
  node->location = std::move(location);
  Json json = op_to_json(node->op);
  Json::Array fingerprints;
  for (const auto& input : node->inputs) fingerprints.emplace_back(input->fingerprint);
  json.set("inputs", std::move(fingerprints));
  node->fingerprint = xxh3_128_hex(json.dump());
  return node;
}

NodePtr with_values(const NodePtr& node, ValuesOp values, Schema schema) {
  auto ready = std::make_shared<Node>(*node);
  ready->op = std::move(values);
  ready->inputs.clear();
  ready->schema = std::move(schema);
  return ready;
}

NodePtr with_inputs(const NodePtr& node, std::vector<NodePtr> inputs) {
  return make_node(node->op, std::move(inputs), node->schema, node->partitioning, node->name, node->location);
}

namespace {

template <typename Visit>
void visit_once(const NodePtr& node, std::unordered_map<const Node*, std::int64_t>& seen, const Visit& visit) {
  if (seen.contains(node.get())) return;
  for (const auto& input : node->inputs) visit_once(input, seen, visit);
  seen.emplace(node.get(), static_cast<std::int64_t>(seen.size()));
  visit(node);
}

}  // namespace

Json plan_to_json(const NodePtr& root) {
  std::unordered_map<const Node*, std::int64_t> seen;
  Json::Array nodes;
  visit_once(root, seen, [&](const NodePtr& node) {
    Json json = op_to_json(node->op);
    Json::Array inputs;
    for (const auto& input : node->inputs) inputs.emplace_back(seen.at(input.get()));
    json.set("id", seen.at(node.get()));
    json.set("name", node->name);
    json.set("location", node->location);
    json.set("inputs", std::move(inputs));
    if (node->schema) json.set("schema", schema_to_json(*node->schema));
    json.set("partitioning", partitioning_to_json(node->partitioning));
    json.set("fingerprint", node->fingerprint);
    nodes.push_back(std::move(json));
  });
  return Json::object({{"version", 1}, {"nodes", std::move(nodes)}});
}

bool has_call(const NodePtr& root) {
  std::unordered_map<const Node*, std::int64_t> seen;
  bool found = false;
  visit_once(root, seen, [&](const NodePtr& node) { found = found || std::holds_alternative<CallOp>(node->op); });
  return found;
}

}  // namespace millpond
