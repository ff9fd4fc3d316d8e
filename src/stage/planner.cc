#include "stage/planner.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/quote.h"
#include "sql/range_queries.h"
#include "stage/deal_files.h"
#include "stage/fragment.h"
#include "stage/leave_files_out.h"
#include "stage/sharing.h"
#include "stage/split_scans.h"

namespace millpond {
namespace {

/// A name for the i-th computed key that no column has.
std::string key_name(const Schema& schema, std::size_t i) {
  std::string name = "__millpond_key_" + std::to_string(i);
  while (find_column(schema, name) >= 0) name += '_';
  return name;
}

/// Whether each row's partition follows from that row alone, wherever in its partition it stands. Nested partitions
/// are counted by task, so their tasks stay as they are.
bool keys_are_row_wise(const RepartitionOp& op, const Schema& schema) {
  if (op.nested) return false;
  if (op.kind == RepartitionOp::Kind::kRange) return true;
  if (op.kind != RepartitionOp::Kind::kHash && op.kind != RepartitionOp::Kind::kNumber) return false;
  return std::all_of(op.keys.begin(), op.keys.end(), [&](const auto& key) { return find_column(schema, key) >= 0; });
}

/// A query that adds columns to each row of its first child.
FragmentPtr row_by_row(const FragmentPtr& fragment) {
  auto made = std::make_shared<Fragment>(*fragment);
  made->is_global = true;
  made->divisible_children = {0};
  return made;
}

class StagePlanner {
 public:
  explicit StagePlanner(const PlannerContext& context) : context_(context) {}

  Result<StageGraph> run(const std::vector<NodePtr>& roots) {
    for (const auto& root : roots) {
      ++consumers_[root.get()];
      count_consumers(root);
    }
    for (const auto& root : roots) {
      MILLPOND_ASSIGN_OR_RETURN(const FragmentPtr fragment, lower(root));
      MILLPOND_ASSIGN_OR_RETURN(const FragmentPtr leaf, at_rest(root, fragment));
      graph_.roots.push_back({root->fingerprint, root->schema, leaf->source});
    }
    decide_sharing(graph_);
    return std::move(graph_);
  }

 private:
  void count_consumers(const NodePtr& node) {
    for (const auto& input : node->inputs) {
      if (++consumers_[input.get()] == 1) count_consumers(input);
    }
  }

  /// The node's rows as a piece of a query; a node that several others read is put to rest first.
  Result<FragmentPtr> lower(const NodePtr& node) {
    if (auto known = lowered_.find(node.get()); known != lowered_.end()) return known->second;
    MILLPOND_ASSIGN_OR_RETURN(FragmentPtr fragment,
                              std::visit([&](const auto& op) { return lower_op(node, op); }, node->op));
    if (consumers_[node.get()] > 1 && !fragment->is_leaf()) {
      MILLPOND_ASSIGN_OR_RETURN(fragment, at_rest(node, fragment));
    }
    lowered_.emplace(node.get(), fragment);
    return fragment;
  }


  Result<FragmentPtr> lower_op(const NodePtr& node, const ScanOp& op) {
    std::vector<Slice> slices(op.files.begin(), op.files.end());
    auto source = std::make_shared<Source>(*static_source({std::move(slices)}, op.options));
    source->bounds = op.bounds;
    return leaf_fragment(std::move(source), *node->schema);
  }

  Result<FragmentPtr> lower_op(const NodePtr& node, const ValuesOp& op) {
    std::vector<std::vector<Slice>> partitions;
    for (const auto& segments : op.partitions) partitions.emplace_back(segments.begin(), segments.end());
    auto source = std::make_shared<Source>(*static_source(std::move(partitions), {}));
    source->is_kept = op.is_kept;
    return leaf_fragment(std::move(source), *node->schema);
  }

  Result<FragmentPtr> lower_op(const NodePtr& node, const PartialSqlOp& op) {
    const std::int64_t count = node->partitioning.count;
    std::vector<FragmentPtr> children;
    for (const auto& input : node->inputs) {
      MILLPOND_ASSIGN_OR_RETURN(FragmentPtr child, lower(input));
      if (child->tasks < count) {
        MILLPOND_ASSIGN_OR_RETURN(child, at_rest(input, child));
        child = shared_fragment(child, count / child->tasks);
      } else if (!op.setup.empty()) {
        // Statements before a query see its inputs only where these are relations of their own.
        MILLPOND_ASSIGN_OR_RETURN(child, at_rest(input, child));
      }
      children.push_back(std::move(child));
    }
    auto fragment = query_fragment(op.query, std::move(children), node->name, node->location);
    auto made = std::make_shared<Fragment>(*fragment);
    made->setup = op.setup;
    made->is_volatile = op.traits.is_volatile;
    made->is_row_wise = op.traits.is_row_wise && op.setup.empty() && made->children.size() == 1 &&
                        made->children.front()->is_row_wise && made->children.front()->divisor == 1;
    made->is_global = op.is_global;
    made->divisible_children = op.divisible_inputs;
    made->tasks = count;
    // What such statements make is seen by this query alone, so it is a stage of its own.
    if (!op.setup.empty()) return put_to_rest(node, FragmentPtr(std::move(made)));
    return FragmentPtr(std::move(made));
  }

  Result<FragmentPtr> lower_op(const NodePtr& node, const CallOp& op) {
    MILLPOND_ASSIGN_OR_RETURN(const FragmentPtr child, lower(node->inputs.front()));
    MILLPOND_ASSIGN_OR_RETURN(Stage* stage, add_stage(node, child));
    stage->call = CallSpec{op.kind,       op.function_path, op.function_digest, op.batch_size,
                           op.batch_format, op.name,         node->schema,       op.batch_bytes};
    stage->placement = Placement{};
    stage->fingerprint = node->fingerprint;
    stage->resources = {op.threads, op.memory, op.gpus, op.resources};
    stage->concurrency = op.concurrency;
    stage->is_volatile = true;
    return leaf_fragment(stage_source(*stage), node->schema.value_or(Schema{}));
  }

  Result<FragmentPtr> lower_op(const NodePtr& node, const RepartitionOp& op) {
    MILLPOND_ASSIGN_OR_RETURN(FragmentPtr child, lower(node->inputs.front()));
    switch (op.kind) {
      case RepartitionOp::Kind::kFiles: return op.targets.empty() ? deal_files(node, child, op.count) : deal_to_targets(child, op);
      case RepartitionOp::Kind::kRows: return deal_rows(node, child, op.count);
      case RepartitionOp::Kind::kConsolidate: return regroup(node, child, [&](SourcePtr source) { return gather_source(std::move(source), op.count); });
      case RepartitionOp::Kind::kRepeat: return regroup(node, child, [&](SourcePtr source) { return repeat_source(std::move(source), op.count); });
      default: return shuffle(node, child, op);
    }
  }

  /// Whole files in runs; row groups when there are fewer files; rows when the format has neither.
  Result<FragmentPtr> deal_files(const NodePtr& node, const FragmentPtr& child, std::int64_t count) {
    if (child->is_leaf() && child->source->kind == Source::Kind::kStatic && child->source->scan) {
      MILLPOND_ASSIGN_OR_RETURN(auto dealt, deal_file_slices(child->source->partitions, *child->source->scan, count,
                                                             context_.parts));
      if (dealt) return leaf_fragment(with_partitions(*child->source, std::move(*dealt)), child->schema);
    }
    return deal_rows(node, child, count);
  }

  /// Whole files, each to the partition that the plan gives it.
  static Result<FragmentPtr> deal_to_targets(const FragmentPtr& child, const RepartitionOp& op) {
    if (!child->is_leaf() || child->source->kind != Source::Kind::kStatic || !child->source->scan) {
      return Status::internal("files are dealt one by one that are no scan's");
    }
    MILLPOND_ASSIGN_OR_RETURN(auto dealt, deal_files_to(child->source->partitions, op.targets, op.count));
    return leaf_fragment(with_partitions(*child->source, std::move(dealt)), child->schema);
  }

  Result<FragmentPtr> deal_rows(const NodePtr& node, FragmentPtr child, std::int64_t count) {
    MILLPOND_ASSIGN_OR_RETURN(child, rows_known(node->inputs.front(), child));
    return leaf_fragment(split_rows_source(child->source, count), child->schema);
  }

  /// Whole partitions read in other groups; nothing moves.
  template <typename Regroup>
  Result<FragmentPtr> regroup(const NodePtr& node, FragmentPtr child, const Regroup& make_source) {
    MILLPOND_ASSIGN_OR_RETURN(child, at_rest(node->inputs.front(), child));
    if (!is_uniform(*child->source)) {
      MILLPOND_ASSIGN_OR_RETURN(child, put_to_rest(node->inputs.front(), child));
    }
    return leaf_fragment(make_source(child->source), child->schema);
  }

  /// A leaf whose slices can be gathered and know how many rows they have.
  Result<FragmentPtr> rows_known(const NodePtr& node, const FragmentPtr& fragment) {
    MILLPOND_ASSIGN_OR_RETURN(FragmentPtr leaf, at_rest(node, fragment));
    bool known = is_uniform(*leaf->source);
    if (known && leaf->source->kind == Source::Kind::kStatic) {
      for (const auto& partition : leaf->source->partitions) {
        for (const auto& slice : partition) known = known && slice_rows(slice) >= 0;
      }
    }
    if (known) return leaf;
    return put_to_rest(node, leaf);
  }

  Result<FragmentPtr> shuffle(const NodePtr& node, FragmentPtr child, const RepartitionOp& op) {
    const std::int64_t tasks = child->tasks;
    if (keys_are_row_wise(op, *node->schema)) {
      MILLPOND_ASSIGN_OR_RETURN(child, split_scans(child, context_));
    }
    const Resources resources{child->tasks > tasks ? context_.scan_task_threads : 0, 0, 0};
    FragmentPtr keyed = child;
    Placement placement;
    placement.count = op.count;
    placement.seed = op.seed;
    switch (op.kind) {
      case RepartitionOp::Kind::kHash: placement.kind = Placement::Kind::kHash; break;
      case RepartitionOp::Kind::kRange:
      case RepartitionOp::Kind::kNumber: placement.kind = Placement::Kind::kExpression; break;
      default: placement.kind = Placement::Kind::kRandom;
    }
    const Schema& schema = *node->schema;
    if (op.kind == RepartitionOp::Kind::kRange) {
      MILLPOND_ASSIGN_OR_RETURN(keyed, numbered_by_range(node, child, op));
      placement.keys = placement.dropped_columns = {key_name(schema, 0)};
      MILLPOND_ASSIGN_OR_RETURN(FragmentPtr dealt, deal(node, keyed, op, std::move(placement)));
      graph_.stages.back().resources = resources;
      MILLPOND_ASSIGN_OR_RETURN(RenderedQuery rows, render(child));
      graph_.stages.back().rows_query = std::move(rows.query);
      return dealt;
    }
    std::string extra;
    for (std::size_t i = 0; i < op.keys.size(); ++i) {
      if (int column = find_column(schema, op.keys[i]); column >= 0) {
        placement.keys.push_back(schema[static_cast<std::size_t>(column)].name);
      } else {
        placement.keys.push_back(key_name(schema, i));
        extra += ", (" + op.keys[i] + "\n) AS " + quote_identifier(placement.keys.back());
        placement.dropped_columns.push_back(placement.keys.back());
      }
    }
    if (!extra.empty()) {
      keyed = row_by_row(query_fragment("SELECT *" + extra + " FROM {0}", {child}, node->name, node->location));
    }
    MILLPOND_ASSIGN_OR_RETURN(FragmentPtr dealt, deal(node, keyed, op, std::move(placement)));
    graph_.stages.back().resources = resources;
    return dealt;
  }

  Result<FragmentPtr> deal(const NodePtr& node, const FragmentPtr& rows, const RepartitionOp& op, Placement placement) {
    MILLPOND_ASSIGN_OR_RETURN(Stage* stage, add_stage(node, rows));
    stage->placement = std::move(placement);
    stage->is_nested = op.nested && stage->tasks > 1;
    stage->schema = *node->schema;
    stage->fingerprint = node->fingerprint;
    return leaf_fragment(stage_source(*stage), *node->schema);
  }

  /// The rows, each with the number of its partition by the bounds, which every task reads.
  Result<FragmentPtr> numbered_by_range(const NodePtr& node, const FragmentPtr& rows, const RepartitionOp& op) {
    MILLPOND_ASSIGN_OR_RETURN(FragmentPtr bounds, lower(node->inputs[1]));
    MILLPOND_ASSIGN_OR_RETURN(bounds, at_rest(node->inputs[1], bounds));
    const Schema& schema = *node->schema;
    return row_by_row(query_fragment(range_number_query({op.keys, op.orders}, schema, op.splits_ties, key_name(schema, 0)),
                                     {rows, shared_fragment(bounds, rows->tasks)}, node->name, node->location));
  }

  Result<FragmentPtr> lower_op(const NodePtr& node, const UnionOp&) {
    std::vector<SourcePtr> sources;
    Schema schema;
    for (const auto& input : node->inputs) {
      MILLPOND_ASSIGN_OR_RETURN(FragmentPtr child, lower(input));
      MILLPOND_ASSIGN_OR_RETURN(child, at_rest(input, child));
      schema = child->schema;
      sources.push_back(child->source);
    }
    return leaf_fragment(concat_source(std::move(sources)), node->schema.value_or(schema));
  }

  Result<FragmentPtr> lower_op(const NodePtr& node, const LimitOp& op) {
    const std::string query = "SELECT * FROM {0} LIMIT " + std::to_string(op.count);
    MILLPOND_ASSIGN_OR_RETURN(FragmentPtr child, lower(node->inputs.front()));
    if (child->tasks > 1) {
      auto each = query_fragment(query, {child}, node->name, node->location);
      MILLPOND_ASSIGN_OR_RETURN(Stage* stage, add_stage(node, each));
      stage->placement = Placement{};
      stage->early_stop_rows = op.count;
      child = leaf_fragment(gather_source(stage_source(*stage)), *node->schema);
    }
    return query_fragment(query, {child}, node->name, node->location);
  }

  Result<FragmentPtr> lower_op(const NodePtr& node, const WriteOp& op) {
    MILLPOND_ASSIGN_OR_RETURN(FragmentPtr child, lower(node->inputs.front()));
    if (op.options.single_file && child->tasks > 1) {
      MILLPOND_ASSIGN_OR_RETURN(child, at_rest(node->inputs.front(), child));
      if (!is_uniform(*child->source)) {
        MILLPOND_ASSIGN_OR_RETURN(child, put_to_rest(node->inputs.front(), child));
      }
      child = leaf_fragment(gather_source(child->source), child->schema);
    }
    if (!op.options.sort_by.empty()) {
      std::string order;
      for (const auto& key : op.options.sort_by) order += (order.empty() ? "" : ", ") + key;
      child = query_fragment("SELECT * FROM {0} ORDER BY " + order, {child}, node->name, node->location);
    }
    MILLPOND_ASSIGN_OR_RETURN(Stage* stage, add_stage(node, child));
    stage->write = StageWrite{op.path, op.options};
    stage->schema = node->inputs.front()->schema;
    stage->fingerprint = node->fingerprint;
    return leaf_fragment(stage_source(*stage), *node->schema);
  }

  /// The fragment as a leaf: as it is when it is one, else through a stage of its own that keeps the partitions.
  Result<FragmentPtr> at_rest(const NodePtr& node, const FragmentPtr& fragment) {
    if (fragment->is_leaf()) return fragment;
    MILLPOND_ASSIGN_OR_RETURN(FragmentPtr leaf, put_to_rest(node, fragment));
    lowered_[node.get()] = leaf;
    return leaf;
  }

  Result<FragmentPtr> put_to_rest(const NodePtr& node, const FragmentPtr& fragment) {
    MILLPOND_ASSIGN_OR_RETURN(Stage* stage, add_stage(node, fragment));
    stage->placement = Placement{};
    stage->schema = node->schema;
    stage->fingerprint = node->fingerprint;
    return leaf_fragment(stage_source(*stage), node->schema.value_or(fragment->schema));
  }

  /// A stage that runs the fragment in each of its partitions; the caller says where the rows go.
  /// The pointer is valid until the next stage is added.
  Result<Stage*> add_stage(const NodePtr& node, const FragmentPtr& fragment) {
    MILLPOND_ASSIGN_OR_RETURN(RenderedQuery rendered, render(fragment));
    leave_files_out(rendered, context_);
    Stage stage;
    stage.id = static_cast<std::int64_t>(graph_.stages.size());
    stage.name = node->name.empty() ? std::string(op_name(node->op)) : node->name;
    stage.location = node->location;
    stage.setup = std::move(rendered.setup);
    stage.query = std::move(rendered.query);
    stage.inputs = std::move(rendered.inputs);
    stage.tasks = fragment->tasks;
    stage.is_volatile = rendered.is_volatile;
    stage.is_repeatable = !rendered.is_volatile;
    stage.shares_partitions = rendered.is_global;
    stage.divisible_inputs = std::move(rendered.divisible_inputs);
    graph_.stages.push_back(std::move(stage));
    return &graph_.stages.back();
  }

  const PlannerContext& context_;
  StageGraph graph_;
  std::unordered_map<const Node*, FragmentPtr> lowered_;
  std::unordered_map<const Node*, int> consumers_;
};

}  // namespace

Result<StageGraph> plan_stages(const std::vector<NodePtr>& roots, const PlannerContext& context) {
  return StagePlanner(context).run(roots);
}

}  // namespace millpond
