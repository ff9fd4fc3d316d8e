// Queries whose plans follow from the sizes of their parts: the parts run first, then the plan is made anew.

#include <utility>

#include "api/session_impl.h"

namespace millpond {
namespace {

std::int64_t rows_in(const KeptResult& result) {
  std::int64_t rows = 0;
  for (const auto& partition : result.partitions) {
    for (const SegmentSlice& segment : partition) rows += slice_rows(segment);
  }
  return rows;
}

}  // namespace

void Session::Impl::remember_adaptive(const NodePtr& node, std::shared_ptr<const AdaptiveQuery> query) {
  std::lock_guard lock(mutex_);
  if (adaptive_.size() >= prune_adaptive_at_) {
    std::erase_if(adaptive_, [](const auto& one) { return one.second.first.expired(); });
    prune_adaptive_at_ = std::max<std::size_t>(64, 2 * adaptive_.size());
  }
  adaptive_.insert_or_assign(node->fingerprint, std::pair(std::weak_ptr(node), std::move(query)));
}

std::shared_ptr<const AdaptiveQuery> Session::Impl::find_adaptive(const NodePtr& node) const {
  std::lock_guard lock(mutex_);
  auto found = adaptive_.find(node->fingerprint);
  return found == adaptive_.end() ? nullptr : found->second.second;
}

Result<NodePtr> Session::Impl::adapted(const NodePtr& node, std::map<NodePtr, NodePtr>& done, HeldResults& held) {
  if (auto known = done.find(node); known != done.end()) return known->second;
  if (KeptResultPtr kept = find_kept(node)) {
    held.push_back(std::move(kept));
    return node;
  }
  NodePtr best = node;
  if (const auto query = find_adaptive(node)) {
    MILLPOND_ASSIGN_OR_RETURN(best, best_plan(*query, node, done, held));
  }
  std::vector<NodePtr> inputs;
  for (const auto& input : best->inputs) {
    MILLPOND_ASSIGN_OR_RETURN(NodePtr one, adapted(input, done, held));
    inputs.push_back(std::move(one));
  }
  if (best != node || inputs != best->inputs) {
    // The same rows, so under the same name, and with what was promised of their placement.
    auto made = std::make_shared<Node>(*best);
    made->partitioning = node->partitioning;
    made->inputs = std::move(inputs);
    made->fingerprint = node->fingerprint;
    best = std::move(made);
  }
  done.emplace(node, best);
  return best;
}

Result<NodePtr> Session::Impl::best_plan(const AdaptiveQuery& query, const NodePtr& node, std::map<NodePtr, NodePtr>& done,
                                         HeldResults& held) {
  AdaptiveQuery::Answers known;
  while (true) {
    MILLPOND_ASSIGN_OR_RETURN(AdaptiveQuery::Plan plan, query.plan(known));
    if (plan.questions.empty()) {
      // What stands above was planned with so many partitions.
      return plan.root->partitioning.count == node->partitioning.count ? plan.root : node;
    }
    std::vector<NodePtr> roots;
    for (const auto& question : plan.questions) {
      for (const NodePtr& asked : {question.rows, question.keys}) {
        if (asked == nullptr) continue;
        MILLPOND_ASSIGN_OR_RETURN(NodePtr root, adapted(asked, done, held));
        roots.push_back(std::move(root));
      }
    }
    MILLPOND_RETURN_IF_ERROR(run_resolved(roots, held));
    for (const auto& question : plan.questions) {
      const KeptResultPtr kept = find_kept(question.rows);
      known.rows[question.id] = kept ? rows_in(*kept) : INT64_MAX;
      const KeptResultPtr keys = question.keys ? find_kept(question.keys) : nullptr;
      if (keys == nullptr) continue;
      // Without them the plan is right as well.
      if (auto found = keys_in(*keys); found.is_ok()) known.keys[question.id] = std::move(*found);
    }
  }
}

Result<KnownKeys> Session::Impl::keys_in(const KeptResult& result) {
  TaskInput input{"in0", result.schema, {}, {}};
  for (const SegmentSlice& segment : result.partitions.front()) input.slices.emplace_back(segment);
  MILLPOND_ASSIGN_OR_RETURN(const auto values, engine_->first_row("FROM in0", {std::move(input)}));
  KnownKeys keys;
  for (std::size_t i = 0; i + 1 < values.size(); i += 2) keys.bounds.push_back({values[i], values[i + 1]});
  if (values.size() % 2 == 1 && values.back()) keys.distinct = std::stoll(*values.back());
  return keys;
}

}  // namespace millpond
