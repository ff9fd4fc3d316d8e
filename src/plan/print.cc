#include "plan/node.h"

namespace millpond {
namespace {

constexpr std::size_t kMaxQuery = 200;

std::string one_line(const std::string& text) {
  std::string line;
  bool gap = false;
  for (char c : text) {
    if (c == '\n' || c == '\t' || c == ' ' || c == '\r') {
      gap = !line.empty();
      continue;
    }
    if (gap) line += ' ';
    gap = false;
    line += c;
  }
  if (line.size() > kMaxQuery) {
    // Not amid a character's bytes.
    std::size_t end = kMaxQuery;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
    line = line.substr(0, end) + "…";
  }
  return line;
}

std::string list(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string describe(const ScanOp& op) {
  std::string text = std::string(file_format_name(op.options.format)) + ", " + std::to_string(op.files.size()) +
                     (op.files.size() == 1 ? " file" : " files");
  if (!op.files.empty()) text += ": " + op.files.front().path + (op.files.size() > 1 ? ", …" : "");
  return text;
}

std::string describe(const ValuesOp& op) {
  std::int64_t rows = 0;
  for (const auto& partition : op.partitions) {
    for (const auto& segment : partition) rows += segment.num_rows;
  }
  return (op.is_kept ? "kept, " : "") + std::to_string(rows) + " rows";
}

std::string describe(const PartialSqlOp& op) { return one_line(op.query); }
std::string describe(const CallOp& op) { return op.kind + " " + op.name; }

std::string describe(const RepartitionOp& op) {
  std::string text = std::to_string(op.count) + " by " + (op.targets.empty() ? std::string(repartition_kind_name(op.kind)) : "folders");
  std::vector<std::string> keys = op.keys;
  for (std::size_t i = 0; i < op.orders.size(); ++i) keys[i] += " " + op.orders[i];
  return keys.empty() ? text : text + "(" + list(keys) + ")";
}

std::string describe(const UnionOp&) { return ""; }
std::string describe(const LimitOp& op) { return std::to_string(op.count); }
std::string describe(const WriteOp& op) { return op.options.format + " " + op.path; }

void print(const NodePtr& node, int depth, std::string& out) {
  out.append(static_cast<std::size_t>(depth) * 2, ' ');
  out += node->name.empty() ? std::string(op_name(node->op)) : node->name;
  std::string detail = std::visit([](const auto& op) { return describe(op); }, node->op);
  if (!detail.empty()) out += " [" + detail + "]";
  out += " → " + partitioning_to_string(node->partitioning);
  if (!node->location.empty()) out += "  (" + node->location + ")";
  out += '\n';
  for (const auto& input : node->inputs) print(input, depth + 1, out);
}

}  // namespace

std::string plan_to_string(const NodePtr& root) {
  std::string out;
  print(root, 0, out);
  return out;
}

}  // namespace millpond
