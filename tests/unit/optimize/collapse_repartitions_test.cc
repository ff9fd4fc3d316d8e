#include <array>

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

TEST_CASE("each pair of dealings: those by value take the place of what moved rows, no other does") {
  using Kind = RepartitionOp::Kind;
  constexpr std::array kAll = {Kind::kFiles, Kind::kRows,   Kind::kHash,   Kind::kNumber,
                               Kind::kRandom, Kind::kConsolidate, Kind::kRepeat, Kind::kRange};
  for (const Kind inner : kAll) {
    for (const Kind outer : kAll) {
      const NodePtr below = dealt(scan(), 3, inner, "k");
      const NodePtr node = dealt(below, 4, outer, "k");
      const bool is_by_value = outer == Kind::kHash || outer == Kind::kNumber;
      const bool may_go = inner != Kind::kNumber && inner != Kind::kRepeat;
      INFO(repartition_kind_name(inner) << " below " << repartition_kind_name(outer));
      CHECK((rewritten(node) != node) == (is_by_value && may_go));
    }
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
