#include <utility>

#include "api/frames.h"
#include "api/session_impl.h"
#include "base/hash.h"
#include "job/job.h"
#include "optimize/optimizer.h"
#include "stage/planner.h"

namespace millpond {
namespace {

std::string content_digest(const std::vector<std::vector<SegmentSlice>>& partitions) {
  Json::Array all;
  for (const auto& partition : partitions) {
    Json::Array some;
    for (const auto& segment : partition) some.push_back(slice_to_json(segment));
    all.emplace_back(std::move(some));
  }
  return xxh3_128_hex(Json(std::move(all)).dump());
}

void collect_fingerprints(const NodePtr& node, std::set<std::string>& all) {
  if (!all.insert(node->fingerprint).second) return;
  for (const auto& input : node->inputs) collect_fingerprints(input, all);
}

/// Whoever asked for a report owns it no longer than the run lasts.
class ReportScope {
 public:
  ReportScope(RunReport*& place, RunReport* report) : place_(place) { place_ = report; }
  ~ReportScope() { place_ = nullptr; }
  ReportScope(const ReportScope&) = delete;
  ReportScope& operator=(const ReportScope&) = delete;

 private:
  RunReport*& place_;
};

}  // namespace

Status Session::Impl::run(const std::vector<NodePtr>& roots, HeldResults* held, RunReport* report) {
  std::lock_guard running(run_mutex_);
  if (is_shut_down_) return Status::invalid_argument("the session is shut down", "open a new one with init()");
  cancelled_ = false;
  const ReportScope scope(report_, report);
  const Status status = run_roots(roots, held);
  new_reads_->note(roots, status.is_ok());
  if (status.is_ok()) count_overwrites(roots);
  return status;
}

void Session::Impl::count_overwrites(const std::vector<NodePtr>& roots) {
  std::lock_guard lock(mutex_);
  for (const NodePtr& root : roots) {
    const auto* write = std::get_if<WriteOp>(&root->op);
    if (write != nullptr && write->options.mode == WriteMode::kOverwrite) ++overwrites_[write->path];
  }
}

std::int64_t Session::Impl::overwrites_of(const std::string& path) const {
  std::lock_guard lock(mutex_);
  const auto found = overwrites_.find(path);
  return found == overwrites_.end() ? 0 : found->second;
}

Status Session::Impl::run_roots(const std::vector<NodePtr>& roots, HeldResults* held) {
  std::map<const Node*, NodePtr> done;
  std::vector<NodePtr> resolved;
  for (const auto& root : roots) {
    MILLPOND_ASSIGN_OR_RETURN(NodePtr node, resolve_one(root, done));
    resolved.push_back(std::move(node));
  }
  HeldResults needed;
  std::map<NodePtr, NodePtr> adapted_nodes;
  for (NodePtr& root : resolved) {
    MILLPOND_ASSIGN_OR_RETURN(root, adapted(root, adapted_nodes, needed));
  }
  MILLPOND_RETURN_IF_ERROR(run_resolved(resolved, needed));
  if (held != nullptr) *held = std::move(needed);
  return Status::ok();
}

Status Session::Impl::run_resolved(const std::vector<NodePtr>& roots, HeldResults& held) {
  while (true) {
    HeldResults needed;
    std::vector<StageWrite> unfinished;
    const Status status = run_once(roots, needed, unfinished);
    const bool may_be_lost = status.code() == StatusCode::kDataCorrupt || status.code() == StatusCode::kNotFound;
    // A kept result that can't be read any more is computed again.
    if (may_be_lost && kept_->forget_file(status.context().file)) continue;
    if (!status.is_ok()) {
      has_failed_ = true;
      for (auto& write : unfinished) unfinished_writes_.push_back(std::move(write));
    }
    held.insert(held.end(), needed.begin(), needed.end());
    kept_->make_room();
    return status;
  }
}

JobContext Session::Impl::job_context(const std::vector<NodePtr>& roots) {
  JobContext context;
  context.files = files_;
  context.runner = runner_.get();
  context.store = store_.get();
  context.log = log_.get();
  context.clock = &system_clock();
  context.attempts = &attempts_;
  context.job_directory = state_directory_;
  context.job_id = options_.job_id;
  context.task_context = task_context(roots);
  context.min_task_bytes = options_.min_task_bytes;
  if (options_.runner == "threads" && !options_.worker_launcher) context.shared_threads = options_.threads;
  context.scheduler.max_retries = options_.max_retries;
  context.scheduler.speculation = options_.speculation.value_or(true);
  // No machine will join that has what this one lacks.
  if (!options_.worker_launcher) context.scheduler.placement_seconds = 0;
  context.cancelled = &cancelled_;
  std::lock_guard lock(mutex_);
  context.progress = progress_;
  return context;
}

Result<std::vector<std::set<std::string>>> Session::Impl::unread_files(const std::string& query, const std::vector<StageInput>& inputs) {
  std::vector<BoundInput> bound;
  std::vector<UnreadFiles::Question> questions;
  for (const StageInput& input : inputs) {
    bound.push_back({input.name, input.schema, -1, 1});
    if (input.source->bounds) questions.push_back({input.name, input.source->bounds});
  }
  {
    const std::lock_guard lock(cutter_mutex_);
    if (unread_files_ == nullptr) {
      MILLPOND_ASSIGN_OR_RETURN(unread_files_, UnreadFiles::open());
    }
  }
  MILLPOND_ASSIGN_OR_RETURN(std::vector<std::set<std::string>> answers, unread_files_->of(query, bound, questions));
  std::vector<std::set<std::string>> unread(inputs.size());
  for (std::size_t i = 0, next = 0; i < inputs.size(); ++i) {
    if (inputs[i].source->bounds) unread[i] = std::move(answers[next++]);
  }
  return unread;
}

PlannerContext Session::Impl::planner_context() {
  PlannerContext context;
  context.parts.row_groups = [this](const FileSlice& file) { return engine_->row_groups(file); };
  context.parts.holds_lines = [this](const FileSlice& file, const ScanOptions& options) { return engine_->holds_lines(file, options); };
  context.unread_files = [this](const std::string& query, const std::vector<StageInput>& inputs) { return unread_files(query, inputs); };
  if (options_.runner == "processes" || options_.worker_launcher) {
    // A worker has one thread: work is shared out by the number of tasks.
    context.scan_task_bytes = std::int64_t{64} << 20;
  } else {
    // DuckDB's threads share a task: one after the other, each large, so that starting them costs nothing.
    context.scan_task_bytes = std::int64_t{1} << 30;
    context.scan_task_threads = options_.threads;
  }
  if (options_.scan_task_bytes > 0) context.scan_task_bytes = options_.scan_task_bytes;
  return context;
}

/// `held` receives what the plan reads, and the roots' results.
Status Session::Impl::run_once(const std::vector<NodePtr>& roots, HeldResults& held, std::vector<StageWrite>& unfinished) {
  MILLPOND_RETURN_IF_ERROR(check_lease());
  std::vector<NodePtr> missing;
  for (const auto& root : roots) {
    // Whether a write is done is looked up where it went: others may have written there since.
    if (KeptResultPtr kept = find_kept(root)) {
      held.push_back(std::move(kept));
    } else {
      missing.push_back(root);
    }
  }
  if (missing.empty()) return Status::ok();
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<NodePtr> plans, optimized(missing, held));
  MILLPOND_ASSIGN_OR_RETURN(const StageGraph graph, plan_stages(plans, planner_context()));
  if (graph.stages.empty()) return Status::ok();
  Job job(graph, job_context(missing));
  const std::int64_t begin = system_clock().monotonic_ns();
  Status status = job.run();
  if (report_ != nullptr && status.is_ok()) {
    JobReport& report = report_->emplace_back(JobReport{plans, graph, {}, 0});
    report.seconds = static_cast<double>(system_clock().monotonic_ns() - begin) / 1e9;
    for (const Stage& stage : graph.stages) report.figures.push_back(stage_figures(stage, job.task_records(stage.id)));
  }
  kept_->add_outputs(job.stored_outputs());
  if (!status.is_ok()) {
    unfinished = job.unfinished_writes();
    // That is why it was cancelled.
    MILLPOND_RETURN_IF_ERROR(check_lease());
    return status;
  }
  MILLPOND_RETURN_IF_ERROR(keep_results(job, graph, missing));
  for (const auto& root : missing) {
    if (KeptResultPtr kept = find_kept(root)) held.push_back(std::move(kept));
  }
  return status;
}

/// What later actions may reuse: the roots, and inner results that stand for a whole node.
Status Session::Impl::keep_results(Job& job, const StageGraph& graph, const std::vector<NodePtr>& roots) {
  std::map<std::string, KeptResult> fresh;
  std::map<std::string, std::vector<OutputFile>> written;
  for (const Stage& stage : graph.stages) {
    if (stage.fingerprint.empty()) continue;
    if (stage.write) {
      written[stage.fingerprint] = job.written_files(stage.id);
      continue;
    }
    if (stage.early_stop_rows >= 0) continue;
    // Its rows lie otherwise than the node says.
    if (job.has_shared(stage.id) && stage.placement->kind == Placement::Kind::kSingle) continue;
    const SourcePtr source = stage_source(stage);
    MILLPOND_ASSIGN_OR_RETURN(auto partitions, job.segments(source));
    const std::optional<Schema> schema = stage.schema ? stage.schema : job.written_schema(source);
    fresh[stage.fingerprint] = {std::move(partitions), schema.value_or(Schema{})};
  }
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const StageGraph::Root& root = graph.roots[i];
    const std::string& fingerprint = roots[i]->fingerprint;
    if (auto files = written.find(root.fingerprint); files != written.end()) {
      written[fingerprint] = files->second;
    } else if (stages_of(*root.source).empty()) {
      continue;  // Files at rest: nothing was made.
    } else if (auto partitions = job.segments(root.source); partitions.is_ok()) {
      const std::optional<Schema> schema = root.schema ? root.schema : job.written_schema(root.source);
      const bool lies_otherwise = root.source->kind == Source::Kind::kStage && !root.source->is_shuffled && job.has_shared(root.source->stage);
      fresh[fingerprint] = {std::move(*partitions), schema.value_or(Schema{}), lies_otherwise};
    }
  }
  for (auto& [fingerprint, result] : fresh) kept_->keep(fingerprint, std::move(result));
  std::lock_guard lock(mutex_);
  for (auto& [fingerprint, files] : written) written_[fingerprint] = std::move(files);
  return Status::ok();
}

std::optional<std::vector<OutputFile>> Session::Impl::find_written(const NodePtr& node) const {
  std::lock_guard lock(mutex_);
  auto found = written_.find(node->fingerprint);
  if (found == written_.end()) return {};
  return found->second;
}

namespace {

/// The kept rows of a node, as they lie.
NodePtr kept_values(const NodePtr& node, const KeptResult& kept) {
  return with_values(node, ValuesOp{kept.partitions, content_digest(kept.partitions), true}, kept.schema);
}

/// The kept rows of a node, dealt as it says.
NodePtr dealt_again(const NodePtr& node, const NodePtr& values) {
  auto rows = std::make_shared<Node>(*values);
  rows->partitioning = other_partitioning(Partitioning::Kind::kUnknown, node->partitioning.count, "kept/" + node->fingerprint);
  rows->fingerprint = "as kept/" + node->fingerprint;
  RepartitionOp op;
  op.kind = RepartitionOp::Kind::kHash;
  op.count = node->partitioning.count;
  op.keys = node->partitioning.keys;
  auto dealt = std::make_shared<Node>(*node);
  dealt->op = std::move(op);
  dealt->inputs = {std::move(rows)};
  return dealt;
}

}  // namespace

NodePtr Session::Impl::with_kept_results(const NodePtr& node, std::map<const Node*, NodePtr>& done,
                                          HeldResults& held) const {
  if (auto known = done.find(node.get()); known != done.end()) return known->second;
  NodePtr result = node;
  KeptResultPtr kept = find_kept(node);
  // Where the columns don't tell where a row belongs, it is computed once more; what was dealt for that is kept as well.
  if (kept && kept->lies_otherwise && !can_be_dealt_again(node->partitioning)) kept = nullptr;
  if (kept) {
    result = kept_values(node, *kept);
    if (kept->lies_otherwise) result = dealt_again(node, result);
    held.push_back(std::move(kept));
  } else {
    std::vector<NodePtr> inputs;
    bool changed = false;
    for (const auto& input : node->inputs) {
      inputs.push_back(with_kept_results(input, done, held));
      changed = changed || inputs.back() != input;
    }
    if (changed) result = with_inputs(node, std::move(inputs));
  }
  done.emplace(node.get(), result);
  return result;
}

Result<std::vector<NodePtr>> Session::Impl::optimized(const std::vector<NodePtr>& roots, HeldResults& held) {
  std::map<const Node*, NodePtr> done;
  std::vector<NodePtr> plans;
  for (const auto& root : roots) {
    // Nobody relies on where the rows of a root are.
    if (KeptResultPtr kept = find_kept(root)) {
      plans.push_back(kept_values(root, *kept));
      held.push_back(std::move(kept));
    } else {
      plans.push_back(with_kept_results(root, done, held));
    }
  }
  return optimize(plans, {});
}

Result<NodePtr> Session::Impl::resolve(const NodePtr& node) {
  std::lock_guard running(run_mutex_);
  std::map<const Node*, NodePtr> done;
  return resolve_one(node, done);
}

Result<NodePtr> Session::Impl::resolve_one(const NodePtr& node, std::map<const Node*, NodePtr>& done) {
  if (auto known = done.find(node.get()); known != done.end()) return known->second;
  std::vector<NodePtr> inputs;
  bool changed = false;
  for (const auto& input : node->inputs) {
    MILLPOND_ASSIGN_OR_RETURN(NodePtr resolved, resolve_one(input, done));
    changed = changed || resolved != input;
    inputs.push_back(std::move(resolved));
  }
  auto made = std::make_shared<Node>(*node);
  made->inputs = inputs;
  if (!made->schema) {
    MILLPOND_RETURN_IF_ERROR(bind_late(*made).with_context({node->location, node->name, {}, {}, {}}));
    changed = true;
  }
  NodePtr result = changed ? NodePtr(std::move(made)) : node;
  done.emplace(node.get(), result);
  return result;
}

/// What was made over a function of unknown result is bound now that the result is known.
Status Session::Impl::bind_late(Node& node) {
  if (std::holds_alternative<CallOp>(node.op)) {
    auto self = std::make_shared<Node>(node);
    HeldResults held;
    MILLPOND_RETURN_IF_ERROR(run_resolved({self}, held));
    auto kept = find_kept(self);
    if (!kept || kept->schema.empty()) {
      return Status::invalid_argument("the function gave no row, so its columns are not known",
                                      "declare them with schema={\"name\": \"TYPE\", …}");
    }
    node.schema = kept->schema;
    return Status::ok();
  }
  if (auto* sql = std::get_if<PartialSqlOp>(&node.op)) {
    MILLPOND_ASSIGN_OR_RETURN(BoundSql bound, bind_partial_sql(*this, sql->query, *known_schemas(node.inputs), sql->setup));
    sql->traits = std::move(bound.traits);
    MILLPOND_ASSIGN_OR_RETURN(node.partitioning, partial_partitioning(node.inputs, sql->traits));
    node.schema = std::move(bound.schema);
    return Status::ok();
  }
  node.schema = node.inputs.front()->schema;
  if (const auto* repartition = std::get_if<RepartitionOp>(&node.op)) {
    MILLPOND_ASSIGN_OR_RETURN(node.partitioning, bind_repartition(*this, *repartition, node.inputs.front()));
  }
  for (const auto& input : node.inputs) {
    if (std::holds_alternative<UnionOp>(node.op) && *input->schema != *node.schema) {
      return Status::invalid_argument("the frames of a union have different columns");
    }
  }
  return Status::ok();
}

void Session::Impl::forget(const NodePtr& node) {
  const std::vector<NodePtr> all = frames();
  std::lock_guard lock(mutex_);
  ++recomputed_[node->fingerprint];
  auto drop = [&](const std::string& fingerprint) {
    kept_->forget(fingerprint);
    written_.erase(fingerprint);
  };
  drop(node->fingerprint);
  for (const auto& frame : all) {
    std::set<std::string> below;
    collect_fingerprints(frame, below);
    if (below.contains(node->fingerprint)) drop(frame->fingerprint);
  }
}

/// Tasks below a node that is to be computed anew get new names, so that no record of the journal stands in for them.
std::string Session::Impl::task_context(const std::vector<NodePtr>& roots) const {
  std::set<std::string> below;
  for (const auto& root : roots) collect_fingerprints(root, below);
  Json context = Json::object({{"version", kTaskVersion}});
  std::lock_guard lock(mutex_);
  for (const auto& [fingerprint, times] : recomputed_) {
    if (below.contains(fingerprint)) context.set(fingerprint, times);
  }
  return context.dump();
}

}  // namespace millpond
