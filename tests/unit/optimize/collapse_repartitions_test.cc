#include "catch.hpp"
#include "optimize/optimizer.h"
#include "plan/sample_plans.h"

namespace millpond {
namespace {

NodePtr rewritten(const NodePtr& node) { return collapse_repartitions(node, {}); }

}  // namespace

TEST_CASE("rows that are dealt by their values are dealt once") {
  for (auto kind : {RepartitionOp::Kind::kFiles, RepartitionOp::Kind::kRows, RepartitionOp::Kind::kRandom}) {
    CHECK(rewritten(by_hash(dealt(scan(), 3, kind), 4))->fingerprint == by_hash(scan(), 4)->fingerprint);
  }
  CHECK(rewritten(by_hash(by_hash(scan(), 3, "v"), 4))->fingerprint == by_hash(scan(), 4)->fingerprint);
}

TEST_CASE("dealing by position needs the earlier dealing") {
  for (auto kind : {RepartitionOp::Kind::kFiles, RepartitionOp::Kind::kRows, RepartitionOp::Kind::kRandom}) {
    const NodePtr node = dealt(by_hash(scan(), 3), 4, kind);
    CHECK(rewritten(node) == node);
  }
}

TEST_CASE("dealing by number stays, since it refuses numbers out of range") {
  const NodePtr node = by_hash(dealt(scan(), 3, RepartitionOp::Kind::kNumber, "k"), 4);
  CHECK(rewritten(node) == node);
}

TEST_CASE("a repetition makes rows, and a nested dealing lies within the earlier one") {
  const NodePtr repeated = by_hash(dealt(scan(), 3, RepartitionOp::Kind::kRepeat), 4);
  CHECK(rewritten(repeated) == repeated);
  RepartitionOp op = std::get<RepartitionOp>(by_hash(scan(), 2)->op);
  op.nested = true;
  const NodePtr outer = by_hash(scan(), 3, "v");
  const NodePtr nested = make_node(op, {outer}, outer->schema, outer->partitioning, "", "");
  CHECK(rewritten(nested) == nested);
}

}  // namespace millpond
