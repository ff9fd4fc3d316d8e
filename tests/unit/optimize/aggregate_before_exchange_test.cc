#include <functional>

#include "catch.hpp"
#include "optimize/optimizer.h"
#include "plan/sample_plans.h"

namespace millpond {
namespace {

NodePtr rewritten(const NodePtr& node, int readers = 1) {
  OptimizeContext context;
  context.consumers[node->inputs.front().get()] = readers;
  return aggregate_before_exchange(node, context);
}

/// grouped_by_k with other traits.
NodePtr with_traits(const std::function<void(PartialSqlTraits&)>& change, const NodePtr& input) {
  const NodePtr base = grouped_by_k(input);
  PartialSqlOp op = std::get<PartialSqlOp>(base->op);
  change(op.traits);
  return make_node(op, base->inputs, base->schema, base->partitioning, base->name, base->location);
}

}  // namespace

TEST_CASE("grouping by the key of the hash moves groups, not rows") {
  const NodePtr node = grouped_by_k(by_hash(scan(), 4));
  const NodePtr result = rewritten(node);
  REQUIRE(std::holds_alternative<RepartitionOp>(result->op));
  CHECK(result->partitioning == node->partitioning);
  CHECK(result->schema == node->schema);
  CHECK(result->inputs.front()->fingerprint == grouped_by_k(scan())->fingerprint);
}

TEST_CASE("a key with another name afterwards is dealt by that name") {
  const NodePtr node = with_traits([](auto& traits) { traits.passed_columns = {{"k", "key"}}; }, by_hash(scan(), 4));
  CHECK(std::get<RepartitionOp>(rewritten(node)->op).keys == std::vector<std::string>{"key"});
}

TEST_CASE("what is not a covered grouping stays where it is") {
  const NodePtr exchange = by_hash(scan(), 4);
  const std::vector<std::function<void(PartialSqlTraits&)>> changes = {
      [](auto& traits) { traits.is_grouping = false; },   [](auto& traits) { traits.group_columns = {"v"}; },
      [](auto& traits) { traits.passed_columns.clear(); }, [](auto& traits) { traits.is_volatile = true; },
      [](auto& traits) { traits.has_window = true; },      [](auto& traits) { traits.has_order = true; },
      [](auto& traits) { traits.has_limit = true; },
  };
  for (const auto& change : changes) {
    const NodePtr node = with_traits(change, exchange);
    CHECK(rewritten(node) == node);
  }
}

TEST_CASE("an exchange with another reader, over partitions or by position stays") {
  const NodePtr shared = grouped_by_k(by_hash(scan(), 4));
  CHECK(rewritten(shared, 2) == shared);
  const NodePtr partitioned = grouped_by_k(by_hash(dealt(scan(), 3, RepartitionOp::Kind::kRows), 4));
  CHECK(rewritten(partitioned) == partitioned);
  const NodePtr random = grouped_by_k(dealt(scan(), 4, RepartitionOp::Kind::kRandom));
  CHECK(rewritten(random) == random);
}

}  // namespace millpond
