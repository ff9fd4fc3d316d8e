#include "optimize/optimizer.h"

#include <set>

#include "catch.hpp"
#include "plan/sample_plans.h"

namespace millpond {

TEST_CASE("rules have names, each its own") {
  std::set<std::string_view> names;
  for (const Rule& rule : all_rules()) CHECK(names.insert(rule.name).second);
}

TEST_CASE("a plan that no rule applies to is the same node") {
  const NodePtr plan = sql("SELECT k FROM {0}", {scan()}, {{"k", "BIGINT"}});
  CHECK(optimize({plan}, {}).front() == plan);
}

TEST_CASE("what two plans share is rewritten once") {
  const NodePtr shared = by_hash(by_hash(scan(), 3), 4);
  const NodePtr one = sql("SELECT k FROM {0}", {shared}, {{"k", "BIGINT"}});
  const NodePtr two = sql("SELECT v FROM {0}", {shared}, {{"v", "BIGINT"}});
  const auto plans = optimize({one, two}, {});
  CHECK(plans[0]->inputs.front() == plans[1]->inputs.front());
  CHECK(plans[0]->inputs.front() != shared);
}

TEST_CASE("a rule can be switched off") {
  const NodePtr plan = by_hash(by_hash(scan(), 3), 4);
  CHECK(optimize({plan}, {}).front()->inputs.front() == plan->inputs.front()->inputs.front());
  CHECK(optimize({plan}, {}, {"collapse_repartitions"}).front() == plan);
}

}  // namespace millpond
