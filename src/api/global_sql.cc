// sql(): one query over all rows, whatever their partitions. Whole in one task, or cut into steps over many partitions.

#include <algorithm>
#include <utility>

#include "api/frames.h"
#include "api/hive_folders.h"
#include "api/pivot_values.h"
#include "sql/inputs.h"
#include "sql/range_queries.h"

namespace millpond {
namespace {

std::int64_t rows_known(const Node& node) {
  std::int64_t rows = 0;
  if (const auto* scan = std::get_if<ScanOp>(&node.op)) {
    for (const FileSlice& file : scan->files) {
      if (slice_rows(file) < 0) return -1;
      rows += slice_rows(file);
    }
    return rows;
  }
  if (const auto* values = std::get_if<ValuesOp>(&node.op)) {
    for (const auto& partition : values->partitions) {
      for (const SegmentSlice& segment : partition) rows += std::max<std::int64_t>(slice_rows(segment), 0);
    }
    return rows;
  }
  // Moved rows are the same rows.
  return std::holds_alternative<RepartitionOp>(node.op) ? rows_known(*node.inputs.front()) : -1;
}

/// What the cutter may rely on: placements that follow from whole columns, by values that are equal when they are equal.
std::optional<BoundInput::Placement> placement_of(const Node& node, std::int64_t partitions, std::size_t number) {
  const Partitioning& given = node.partitioning;
  if (given.count == 1 || !node.schema) return {};
  const auto type_of = [&](const std::string& column) -> std::string {
    const int at = find_column(*node.schema, column);
    return at < 0 ? std::string() : (*node.schema)[static_cast<std::size_t>(at)].type;
  };
  BoundInput::Placement placement;
  placement.identity = given.identity;
  for (const auto& range : given.ranges) placement.ranges.push_back({range.column, range.order});
  const bool is_by_columns = std::all_of(given.determined_by.begin(), given.determined_by.end(),
                                         [](const Partitioning::Key& key) { return key.columns.size() == 1; });
  if (given.kind == Partitioning::Kind::kHash && !given.keys.empty() && given.outer.empty()) {
    placement.keys = given.keys;
    std::vector<std::string> types;
    for (const auto& key : given.keys) types.push_back(type_of(key));
    if (given.identity == hash_partitioning(given.keys, types, partitions).identity) placement.identity.clear();
  } else if (given.kind == Partitioning::Kind::kRange && given.ranges.size() == given.determined_by.size() && is_by_columns) {
    for (const auto& key : given.determined_by) placement.keys.push_back(key.columns.front());
  } else if (given.kind == Partitioning::Kind::kFolders && is_by_columns) {
    for (const auto& key : given.determined_by) placement.keys.push_back(key.columns.front());
  } else {
    // Of some expression over columns: equal where the columns are, but nothing that another input could be like.
    for (const auto& key : given.determined_by) placement.keys.insert(placement.keys.end(), key.columns.begin(), key.columns.end());
    placement.identity = "input " + std::to_string(number);
    const auto meets = [&](const std::string& column) { return equals_only_itself(type_of(column)); };
    if (!std::all_of(placement.keys.begin(), placement.keys.end(), meets)) placement.keys.clear();
  }
  return placement;
}

/// What is made of the node may not rely on how its rows are dealt: another plan may deal them otherwise.
NodePtr with_placement_of_its_own(const NodePtr& node) {
  if (node->partitioning.count == 1) return node;
  auto made = std::make_shared<Node>(*node);
  made->partitioning = other_partitioning(Partitioning::Kind::kUnknown, node->partitioning.count, "sql/" + node->fingerprint);
  return made;
}

/// A query over named tables that becomes a plan.
class GlobalSql final : public AdaptiveQuery {
 public:
  GlobalSql(FrameContext context, const std::string& query, const std::vector<SqlTable>& tables, const SqlOptions& options,
            std::int64_t partitions)
      : context_(std::move(context)), query_(query), options_(options), partitions_(partitions) {
    for (const auto& table : tables) {
      names_.push_back(table.name);
      nodes_.push_back(table.frame.node());
    }
  }

  /// The columns and whether rows may be others each time, or why the query does not bind: told in the user's own text.
  Result<InspectedQuery> bind() {
    std::vector<BoundInput> inputs;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      // The columns that a function gives are known once it has run.
      if (!nodes_[i]->schema) {
        MILLPOND_ASSIGN_OR_RETURN(nodes_[i], context_.impl().resolve(nodes_[i]));
      }
      inputs.push_back({names_[i], *nodes_[i]->schema, -1, 1});
    }
    MILLPOND_ASSIGN_OR_RETURN(InspectedQuery bound, context_.impl().planner().inspect(query_, inputs, {}, false));
    query_ = bound.query;
    return bound;
  }

  /// All rows in one task. The plan shows the reason, if there is one.
  Result<NodePtr> whole(const InspectedQuery& bound, const std::string& reason = {}) const {
    std::vector<NodePtr> inputs;
    std::vector<std::pair<std::string, std::string>> relations;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      MILLPOND_ASSIGN_OR_RETURN(NodePtr input, gathered(nodes_[i]));
      inputs.push_back(std::move(input));
      relations.emplace_back(names_[i], "FROM {" + std::to_string(i) + "}");
    }
    const std::string name = reason.empty() ? context_.name : context_.name + ": whole, for " + reason;
    const FrameContext context{context_.session, name, context_.location};
    const std::string query = with_relations(query_, relations);
    if (std::all_of(inputs.begin(), inputs.end(), [](const NodePtr& input) { return std::holds_alternative<ScanOp>(input->op); })) {
      // Nothing else is to be known: which columns of files are read is DuckDB's own affair.
      PartialSqlOp op;
      op.query = query;
      op.traits.is_volatile = bound.traits.is_volatile;
      return context.frame(std::move(op), inputs, bound.schema, single_partition()).node();
    }
    MILLPOND_ASSIGN_OR_RETURN(const DataFrame frame, make_partial_sql(context, query, inputs, false));
    return frame.node();
  }

  /// Has to be called before the query is planned over many partitions.
  void look_into_folders() { read_ = with_folders(context_, query_, names_, nodes_, partitions_); }

  /// Over many partitions.
  Result<Plan> plan(const Answers& answers) const override {
    std::vector<BoundInput> inputs;
    std::vector<NodePtr> nodes;
    for (std::size_t i = 0; i < read_.size(); ++i) {
      MILLPOND_ASSIGN_OR_RETURN(NodePtr node, spread(read_[i]));
      inputs.push_back({names_[i], *node->schema, rows_known(*node), node->partitioning.count,
                        context_.impl().column_statistics(*node), placement_of(*node, partitions_, i)});
      nodes.push_back(std::move(node));
    }
    MILLPOND_ASSIGN_OR_RETURN(Engine * cutter, context_.impl().cutter());
    MILLPOND_ASSIGN_OR_RETURN(const CutPlan cut, cutter->cut(query_, inputs, {options_.broadcast_limit, partitions_, answers.rows, answers.keys}));
    std::vector<NodePtr> steps;
    for (const CutStep& step : cut.steps) {
      if (step.kind == CutStep::Kind::kInput) {
        steps.push_back(nodes[step.input]);
        continue;
      }
      MILLPOND_ASSIGN_OR_RETURN(NodePtr node, build(step, steps, &step == &cut.steps.back()));
      steps.push_back(std::move(node));
    }
    Plan plan{steps.back(), {}};
    for (const CutQuestion& question : cut.questions) {
      plan.questions.push_back({question.id, steps[question.step], question.keys ? steps[*question.keys] : nullptr});
    }
    return plan;
  }

 private:
  Result<NodePtr> build(const CutStep& step, const std::vector<NodePtr>& steps, bool is_last) const {
    std::vector<NodePtr> from;
    for (const std::size_t number : step.from) from.push_back(steps[number]);
    switch (step.kind) {
      case CutStep::Kind::kInput: break;
      case CutStep::Kind::kQuery: return step.schema.empty() || is_last ? partial(step, from) : known(step, from);
      case CutStep::Kind::kGather: return gathered(from.front(), step.reason);
      case CutStep::Kind::kHash: return dealt(step, from.front());
      case CutStep::Kind::kRange: return ranged(step, from);
      case CutStep::Kind::kLimit:
        return FrameContext{context_.session, context_.name + ": LIMIT", context_.location}
            .frame(LimitOp{step.rows}, {from.front()}, from.front()->schema, single_partition())
            .node();
      case CutStep::Kind::kUnion: break;
    }
    std::vector<DataFrame> others;
    for (std::size_t i = 1; i < from.size(); ++i) others.emplace_back(context_.session, from[i]);
    MILLPOND_ASSIGN_OR_RETURN(const DataFrame frame, DataFrame(context_.session, from.front()).union_all(others, context_.location));
    return frame.node();
  }

  /// A query whose columns the cutter knows: binding it again would cost more than running it on little data.
  Result<NodePtr> known(const CutStep& step, const std::vector<NodePtr>& inputs) const {
    PartialSqlOp op;
    op.query = step.query;
    op.traits.is_volatile = step.is_volatile;
    op.is_global = true;
    op.divisible_inputs = step.divisible;
    MILLPOND_ASSIGN_OR_RETURN(Partitioning partitioning, partial_partitioning(inputs, op.traits));
    return context_.frame(std::move(op), inputs, step.schema, std::move(partitioning)).node();
  }

  /// By the hash of whole columns.
  Result<NodePtr> dealt(const CutStep& step, const NodePtr& node) const {
    std::vector<std::string> types;
    for (const auto& key : step.keys) types.push_back((*node->schema)[static_cast<std::size_t>(find_column(*node->schema, key))].type);
    RepartitionOp op;
    op.kind = RepartitionOp::Kind::kHash;
    op.count = partitions_;
    op.keys = step.keys;
    Partitioning partitioning = partitions_ == 1 ? single_partition() : hash_partitioning(step.keys, types, partitions_);
    return context_.frame(std::move(op), {node}, node->schema, std::move(partitioning)).node();
  }

  /// By ranges of whole columns. Partition by partition, what is sorted above is in order.
  Result<NodePtr> ranged(const CutStep& step, const std::vector<NodePtr>& from) const {
    RepartitionOp op;
    op.count = partitions_;
    op.keys = step.keys;
    op.orders = step.orders;
    op.splits_ties = true;
    return deal_by_ranges({context_.session, context_.name + ": ORDER BY", context_.location}, from[0], from[1], std::move(op));
  }

  Result<NodePtr> partial(const CutStep& step, const std::vector<NodePtr>& inputs) const {
    MILLPOND_ASSIGN_OR_RETURN(const DataFrame frame, make_partial_sql(context_, step.query, inputs, false));
    const NodePtr& node = frame.node();
    auto op = std::get<PartialSqlOp>(node->op);
    op.is_global = true;
    op.divisible_inputs = step.divisible;
    return context_.frame(std::move(op), node->inputs, node->schema, node->partitioning).node();
  }

  static Result<NodePtr> repartitioned(const FrameContext& context, RepartitionOp::Kind kind, std::int64_t count,
                                       const NodePtr& node) {
    RepartitionOp op;
    op.kind = kind;
    op.count = count;
    MILLPOND_ASSIGN_OR_RETURN(Partitioning partitioning, bind_repartition(context.impl(), op, node));
    return context.frame(std::move(op), {node}, node->schema, std::move(partitioning)).node();
  }

  Result<NodePtr> gathered(const NodePtr& node, const std::string& reason = {}) const {
    if (node->partitioning.count == 1) return node;
    // The plan says why.
    const std::string name = reason.empty() ? context_.name : context_.name + ": " + reason;
    return repartitioned({context_.session, name, context_.location}, RepartitionOp::Kind::kConsolidate, 1, node);
  }

  /// Rows at rest in one partition are read in as many as there shall be.
  Result<NodePtr> spread(const NodePtr& node) const {
    if (node->partitioning.count > 1 || partitions_ == 1) return node;
    if (std::holds_alternative<ScanOp>(node->op)) return repartitioned(context_, RepartitionOp::Kind::kFiles, partitions_, node);
    if (std::holds_alternative<ValuesOp>(node->op)) return repartitioned(context_, RepartitionOp::Kind::kRows, partitions_, node);
    return node;
  }

  const FrameContext context_;
  std::string query_;
  const SqlOptions options_;
  const std::int64_t partitions_;
  std::vector<std::string> names_;
  std::vector<NodePtr> nodes_;
  std::vector<NodePtr> read_;  ///< The same, without the files that it reads nothing of.
};

}  // namespace

Result<DataFrame> Session::sql(const std::string& query, const std::vector<SqlTable>& tables, const SqlOptions& options,
                               const std::string& location) {
  FrameContext context{shared_from_this(), "sql", location};
  for (const auto& table : tables) {
    if (table.frame.session().get() != this) {
      return context.fail(Status::invalid_argument("the frames belong to different sessions"));
    }
  }
  if (options.partitions < 0) return context.fail(Status::invalid_argument("partitions is " + std::to_string(options.partitions) + "; it must be at least 1"));
  Result<std::string> written = with_pivot_values(context, query, tables, options);
  if (!written.is_ok()) return context.fail(written.status());
  const auto global = std::make_shared<GlobalSql>(context, *written, tables, options,
                                                  options.partitions == 0 ? impl_->spread() : options.partitions);
  const auto make = [&]() -> Result<NodePtr> {
    MILLPOND_ASSIGN_OR_RETURN(const InspectedQuery bound, global->bind());
    if (options.distribute != Distribute::kAlways) return global->whole(bound);
    global->look_into_folders();
    const Result<AdaptiveQuery::Plan> plan = global->plan({});
    if (!plan.is_ok() || plan->root->schema != bound.schema) {
      const std::string reason = plan.is_ok() ? "its plan gives other columns" : plan.status().message();
      impl_->warn("the query runs whole, in one task: " + reason, location);
      return global->whole(bound, reason);
    }
    if (plan->questions.empty()) return plan->root;
    const NodePtr node = with_placement_of_its_own(plan->root);
    impl_->remember_adaptive(node, global);
    return node;
  };
  Result<NodePtr> node = make();
  if (!node.is_ok()) return context.fail(node.status());
  return DataFrame(shared_from_this(), *node);
}

Result<std::vector<std::string>> Session::table_names(const std::string& query) { return impl_->planner().table_names(query); }

}  // namespace millpond
