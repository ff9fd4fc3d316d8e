#include "plan/graphviz.h"

#include <unordered_map>

namespace millpond {
namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

void draw(const NodePtr& node, std::unordered_map<std::string, int>& ids, std::string& out) {
  if (ids.contains(node->fingerprint)) return;
  for (const auto& input : node->inputs) draw(input, ids, out);
  const int id = static_cast<int>(ids.size());
  ids.emplace(node->fingerprint, id);
  out += "  n" + std::to_string(id) + " [label=\"" + escaped(node->name) + "\\n" +
         escaped(partitioning_to_string(node->partitioning)) +
         (node->location.empty() ? "" : "\\n" + escaped(node->location)) + "\"];\n";
  for (const auto& input : node->inputs) {
    out += "  n" + std::to_string(ids.at(input->fingerprint)) + " -> n" + std::to_string(id) + ";\n";
  }
}

}  // namespace

std::string plans_to_graphviz(const std::vector<NodePtr>& roots) {
  std::string out = "digraph millpond {\n  node [shape=box];\n";
  std::unordered_map<std::string, int> ids;
  for (const auto& root : roots) draw(root, ids, out);
  return out + "}\n";
}

}  // namespace millpond
