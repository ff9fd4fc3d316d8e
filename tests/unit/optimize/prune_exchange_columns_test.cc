#include "catch.hpp"
#include "optimize/optimizer.h"
#include "plan/sample_plans.h"

namespace millpond {
namespace {

NodePtr rewritten(const NodePtr& node, int readers = 1) {
  OptimizeContext context;
  for (const auto& input : node->inputs) context.consumers[input.get()] = readers;
  return prune_exchange_columns(node, context);
}

NodePtr reading(const std::vector<std::string>& used, const NodePtr& input) {
  PartialSqlTraits traits;
  traits.used_columns = {used};
  return sql("SELECT * FROM {0} WHERE false", {input}, {{"k", "BIGINT"}, {"v", "BIGINT"}}, traits);
}

}  // namespace

TEST_CASE("a column whose values nobody reads does not travel, and is back afterwards") {
  const NodePtr result = rewritten(reading({"k"}, by_hash(scan(), 4)));
  const NodePtr restored = result->inputs.front();
  CHECK(std::get<PartialSqlOp>(restored->op).query == "SELECT \"k\", NULL::BIGINT AS \"v\" FROM {0}");
  CHECK(restored->schema == scan()->schema);
  const NodePtr exchange = restored->inputs.front();
  CHECK(exchange->schema == Schema{{"k", "BIGINT"}});
  CHECK(std::get<PartialSqlOp>(exchange->inputs.front()->op).query == "SELECT \"k\" FROM {0}");
}

TEST_CASE("the exchange's key travels though nobody reads it") {
  const NodePtr result = rewritten(reading({"v"}, by_hash(scan(), 4)));
  CHECK(std::get<RepartitionOp>(result->inputs.front()->op) == std::get<RepartitionOp>(by_hash(scan(), 4)->op));
}

TEST_CASE("nothing is pruned where it is not known what is read, or others read too") {
  const NodePtr exchange = by_hash(scan(), 4);
  const NodePtr unknown = sql("SELECT 1 FROM {0}", {exchange}, {{"a", "INTEGER"}});
  CHECK(rewritten(unknown) == unknown);
  const NodePtr shared = reading({"k"}, exchange);
  CHECK(rewritten(shared, 2) == shared);
}

TEST_CASE("a computed key needs columns that are not told") {
  const NodePtr node = reading({"v"}, by_hash(scan(), 4, "k % 3"));
  CHECK(rewritten(node) == node);
}

TEST_CASE("dealing by position is not touched") {
  const NodePtr node = reading({"k"}, dealt(scan(), 4, RepartitionOp::Kind::kRows));
  CHECK(rewritten(node) == node);
}

}  // namespace millpond
