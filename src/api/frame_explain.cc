#include <utility>

#include "api/frames.h"
#include "base/readable.h"
#include "stage/explain.h"
#include "stage/planner.h"
#include "stage/rows.h"

namespace millpond {
namespace {

std::vector<std::int64_t> estimated_rows(Session::Impl& session, const StageGraph& graph) {
  return estimate_stage_rows(graph, [&](const Stage& stage, const std::vector<std::int64_t>& input_rows) {
    std::vector<BoundInput> inputs;
    for (std::size_t i = 0; i < stage.inputs.size(); ++i) {
      inputs.push_back({stage.inputs[i].name, stage.inputs[i].schema, input_rows[i], 1});
    }
    return session.planner().estimate_rows(stage.query, inputs, stage.setup);
  });
}

std::string stages_text(Session::Impl& session, const StageGraph& graph, std::vector<StageFigures> figures) {
  return stage_graph_to_string(graph, {estimated_rows(session, graph), std::move(figures)});
}

std::string plan_text(const NodePtr& node, const std::vector<NodePtr>& plans, const char* title) {
  std::string text = plan_to_string(node);
  if (!plans.empty() && plans.front() != node) text += "\n" + std::string(title) + ":\n" + plan_to_string(plans.front());
  return text + "\n";
}

/// The frame after it ran, or was found to be computed.
Result<std::string> explain_run(Session::Impl& session, const NodePtr& node) {
  RunReport report;
  MILLPOND_RETURN_IF_ERROR(session.run({node}, nullptr, &report));
  const std::string plan = plan_text(node, report.plans, "as it ran");
  if (report.graph.stages.empty()) {
    const bool is_kept = session.find_kept(node) != nullptr || session.find_written(node).has_value();
    return plan + (is_kept ? "-- nothing ran: an earlier action computed the rows, and they are kept; recompute() drops them\n"
                           : "-- nothing ran: the rows lie ready\n");
  }
  std::int64_t tasks = 0;
  for (const StageFigures& figures : report.figures) tasks += figures.tasks_run;
  const std::string total = "-- ran in " + readable_seconds(report.seconds) + ": " + readable_count(tasks) +
                            (tasks == 1 ? " task in " : " tasks in ") + std::to_string(report.graph.stages.size()) +
                            (report.graph.stages.size() == 1 ? " stage\n" : " stages\n");
  return plan + total + "\n" + stages_text(session, report.graph, std::move(report.figures));
}

}  // namespace

Result<std::string> DataFrame::explain(const ExplainOptions& options) const {
  Session::Impl& session = session_->impl();
  if (options.analyze) return explain_run(session, node_);
  if (!node_->schema && !session.find_kept(node_)) {
    return plan_to_string(node_) + "\nThe stages are known once the function without a schema is computed.\n";
  }
  MILLPOND_ASSIGN_OR_RETURN(const NodePtr node, session.resolve(node_));
  HeldResults held;
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<NodePtr> plans, session.optimized({node}, held));
  PlannerContext context{[&](const std::string& path) { return session.engine().row_groups(path); }};
  MILLPOND_ASSIGN_OR_RETURN(const StageGraph graph, plan_stages(plans, context));
  return plan_text(node_, plans, "as it will run") + stages_text(session, graph, {});
}

}  // namespace millpond
