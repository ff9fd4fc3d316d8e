#include "stage/explain.h"

#include <algorithm>

#include "base/readable.h"
#include "stage/rows.h"
#include "stage/stage_sql.h"

namespace millpond {
namespace {

std::string source_to_string(const Source& source) {
  switch (source.kind) {
    case Source::Kind::kStatic: {
      std::size_t slices = 0;
      for (const auto& partition : source.partitions) slices += partition.size();
      const std::string pieces = std::to_string(slices) + (slices == 1 ? " piece" : " pieces");
      if (source.scan && source.files_left_out > 0) {
        return pieces + " of files, " + readable_count(source.files_left_out) + " left out by what is known of them";
      }
      if (source.scan) return pieces + " of files";
      return pieces + (source.is_kept ? " kept from earlier work" : " in store");
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

/// A comment ends with its line.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '\r', ' ');
  return text;
}

std::string tasks_to_string(std::int64_t tasks) { return readable_count(tasks) + (tasks == 1 ? " task" : " tasks"); }

std::string rows_to_string(std::int64_t rows) {
  return rows < 0 ? "an unknown number of rows" : readable_count(rows) + (rows == 1 ? " row" : " rows");
}

/// How much more than half of the tasks the worst has to do; nothing where that is no question.
std::string skew_to_string(const StageFigures& figures) {
  if (figures.tasks_run < 2) return "";
  std::string text;
  if (figures.rows_in > 0 && figures.median_rows_in > 0) {
    text += readable_ratio(static_cast<double>(figures.largest_rows_in) / figures.median_rows_in) + " by rows in";
  } else if (figures.rows_in > 0) {
    text += "one task has " + readable_count(figures.largest_rows_in) + " of the rows in, most have none";
  }
  if (figures.median_seconds > 0) {
    text += (text.empty() ? "" : ", ") + readable_ratio(figures.slowest_seconds / figures.median_seconds) + " by time";
  }
  return text.empty() ? "" : "; largest task over median: " + text;
}

std::string figures_to_string(const StageFigures& figures) {
  const std::int64_t results = figures.tasks_run + figures.tasks_reused;
  if (results == 0) return "--   ran: not at all, nothing needed its rows\n";
  std::string text = "--   ran: " + rows_to_string(figures.rows_in) + " in, " + rows_to_string(figures.rows_out) + " and " +
                     readable_bytes(figures.bytes_out) + " out";
  if (figures.tasks_run > 0) {
    text += "; " + readable_seconds(figures.seconds) + " in " + tasks_to_string(figures.tasks_run) + ", the slowest " +
            readable_seconds(figures.slowest_seconds) + skew_to_string(figures);
    text += figures.spill_bytes > 0 ? "; " + readable_bytes(figures.spill_bytes) + " spilled" : "; nothing spilled";
  }
  if (figures.tasks_idle > 0) text += "; " + tasks_to_string(figures.tasks_idle) + " left out, others read their partitions";
  if (figures.parts_of_partitions > 0) text += "; large partitions read in parts by " + tasks_to_string(figures.parts_of_partitions);
  if (figures.tasks_reused > 0) text += "; results of " + tasks_to_string(figures.tasks_reused) + " reused";
  if (figures.tasks_unneeded > 0) text += "; " + tasks_to_string(figures.tasks_unneeded) + " not needed";
  return text + "\n";
}

std::string rows_note(std::int64_t rows) { return rows < 0 ? "" : ", about " + rows_to_string(rows); }

std::string inputs_to_string(const Stage& stage, const std::vector<std::int64_t>& stage_rows) {
  std::string text;
  for (const StageInput& input : stage.inputs) {
    text += "--   " + input.name + " = " + source_to_string(*input.source) + (input.is_broadcast() ? ", broadcast" : "");
    if (!stage_rows.empty() && stages_of(*input.source).empty() && tells_rows(stage)) {
      text += ", " + rows_to_string(source_rows(*input.source, stage_rows));
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string stage_graph_to_string(const StageGraph& graph, const StageNotes& notes) {
  if (graph.stages.empty()) return "-- nothing to run: the rows lie ready\n";
  const std::string prefix = stage_table_prefix(graph);
  std::string text;
  for (const Stage& stage : graph.stages) {
    const auto at = static_cast<std::size_t>(stage.id);
    text += "-- stage " + std::to_string(stage.id) + ": " + one_line(stage.name) + ", " + tasks_to_string(stage.tasks);
    if (!notes.estimated_rows.empty()) text += rows_note(notes.estimated_rows[at]);
    text += (stage.location.empty() ? "" : "  (" + one_line(stage.location) + ")") + "\n";
    text += inputs_to_string(stage, notes.estimated_rows);
    text += "--   out = " + one_line(output_to_string(stage)) + "\n";
    if (stage.call) text += "--   rows go through " + stage.call->kind + " " + one_line(stage.call->name) + ", which SQL can't show\n";
    if (!notes.figures.empty()) text += figures_to_string(notes.figures[at]);
    text += stage_statements(stage, prefix) + "\n";
  }
  for (const StageGraph::Root& root : graph.roots) {
    text += source_select(*root.source, root.schema.value_or(Schema{}), prefix) + ";\n";
  }
  return text;
}

}  // namespace millpond
