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

std::string count_of(std::int64_t number, const std::string& what) {
  return readable_count(number) + " " + what + (number == 1 ? "" : "s");
}

std::string job_text(Session::Impl& session, const JobReport& job) {
  std::int64_t tasks = 0;
  for (const StageFigures& figures : job.figures) tasks += figures.tasks_run;
  return "ran in " + readable_seconds(job.seconds) + ": " + count_of(tasks, "task") + " in " +
         count_of(static_cast<std::int64_t>(job.graph.stages.size()), "stage") + "\n\n" + stages_text(session, job.graph, job.figures);
}

/// The frame after it ran, or was found to be computed.
Result<std::string> explain_run(Session::Impl& session, const NodePtr& node) {
  RunReport jobs;
  MILLPOND_RETURN_IF_ERROR(session.run({node}, nullptr, &jobs));
  if (jobs.empty()) {
    const bool is_kept = session.find_kept(node) != nullptr || session.find_written(node).has_value();
    return plan_text(node, {}, "") +
           (is_kept ? "-- nothing ran: an earlier action computed the rows, and they are kept; recompute() drops them\n"
                    : "-- nothing ran: the rows lie ready\n");
  }
  std::string text = plan_text(node, jobs.back().plans, "as it ran");
  if (jobs.size() == 1) return text + "-- " + job_text(session, jobs.front());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    text += (i == 0 ? "-- job " : "\n-- job ") + std::to_string(i + 1) + " of " + std::to_string(jobs.size()) +
            (i + 1 < jobs.size() ? ", whose size decides how the rest is planned, " : ", ") + job_text(session, jobs[i]);
  }
  return text;
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
  MILLPOND_ASSIGN_OR_RETURN(const StageGraph graph, plan_stages(plans, session.planner_context()));
  return plan_text(node_, plans, "as it will run") + stages_text(session, graph, {});
}

}  // namespace millpond
