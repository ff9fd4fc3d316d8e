#include "stage/stage.h"

namespace millpond {
namespace {

std::string source_to_string(const Source& source) {
  switch (source.kind) {
    case Source::Kind::kStatic: {
      std::size_t slices = 0;
      for (const auto& partition : source.partitions) slices += partition.size();
      return std::to_string(slices) + (source.scan ? " file pieces" : " stored pieces");
    }
    case Source::Kind::kStage: return "stage " + std::to_string(source.stage) + (source.is_shuffled ? ", shuffled" : "");
    case Source::Kind::kConcat: {
      std::string text = "union of (";
      for (std::size_t i = 0; i < source.children.size(); ++i) text += (i ? "; " : "") + source_to_string(*source.children[i]);
      return text + ")";
    }
    case Source::Kind::kSplitRows: return source_to_string(*source.children.front()) + ", split by rows";
    case Source::Kind::kGather: return source_to_string(*source.children.front()) + ", gathered";
    case Source::Kind::kRepeat: return source_to_string(*source.children.front()) + ", repeated";
  }
  return "";
}

std::string output_to_string(const Stage& stage) {
  if (stage.write) return "files in " + stage.write->path;
  if (!stage.placement) return "";
  const Placement& placement = *stage.placement;
  std::string keys;
  for (const auto& key : placement.keys) keys += (keys.empty() ? "" : ", ") + key;
  switch (placement.kind) {
    case Placement::Kind::kSingle: return "exchange, partitions kept";
    case Placement::Kind::kHash: return "exchange, " + std::to_string(placement.count) + " partitions by hash(" + keys + ")";
    case Placement::Kind::kExpression: return "exchange, " + std::to_string(placement.count) + " partitions by number " + keys;
    case Placement::Kind::kRandom: return "exchange, " + std::to_string(placement.count) + " partitions by chance";
  }
  return "";
}

}  // namespace

std::string stage_graph_to_string(const StageGraph& graph) {
  std::string text;
  for (const Stage& stage : graph.stages) {
    text += "stage " + std::to_string(stage.id) + ": " + stage.name + ", " + std::to_string(stage.tasks) +
            (stage.tasks == 1 ? " task" : " tasks") + (stage.location.empty() ? "" : "  (" + stage.location + ")") + "\n";
    for (const StageInput& input : stage.inputs) {
      text += "  " + input.name + " = " + source_to_string(*input.source) + (input.is_broadcast() ? ", broadcast" : "") + "\n";
    }
    text += "  out = " + output_to_string(stage) + "\n";
    if (stage.call) text += "  rows go through " + stage.call->kind + " " + stage.call->name + "\n";
    std::string line = "  | ";
    for (char c : stage.query) {
      line += c;
      if (c == '\n') line += "  | ";
    }
    text += line + "\n";
  }
  if (graph.stages.empty()) text += "nothing to run: the rows lie ready\n";
  return text;
}

}  // namespace millpond
