#include "stage/fragment.h"

#include "catch.hpp"

namespace millpond {
namespace {

FragmentPtr leaf(std::int64_t count = 1) {
  std::vector<std::vector<Slice>> partitions(static_cast<std::size_t>(count));
  return leaf_fragment(static_source(std::move(partitions), {}), {{"a", "BIGINT"}});
}

RenderedQuery rendered(const FragmentPtr& fragment) {
  Result<RenderedQuery> result = render(fragment);
  REQUIRE(result.is_ok());
  return std::move(result).value();
}

}  // namespace

TEST_CASE("a leaf is read whole") {
  CHECK(rendered(leaf()).query == "SELECT * FROM in0");
  CHECK(rendered(leaf()).inputs.front().name == "in0");
}

TEST_CASE("one query is itself") {
  CHECK(rendered(query_fragment("SELECT a FROM {0}", {leaf()}, "", "")).query == "SELECT a FROM in0");
}

TEST_CASE("queries over queries become one text, comments and all") {
  const FragmentPtr inner = query_fragment("SELECT a FROM {0} -- {0}", {leaf()}, "", "");
  const FragmentPtr outer = query_fragment("SELECT a + 1 AS a FROM {0}", {inner}, "", "");
  CHECK(rendered(outer).query ==
        "WITH s0 AS (SELECT a FROM in0 -- {0}\n),\ns1 AS (SELECT a + 1 AS a FROM s0\n)\nSELECT * FROM s1");
}

TEST_CASE("what two queries share is written once") {
  const FragmentPtr shared = query_fragment("SELECT a FROM {0}", {leaf()}, "", "");
  const FragmentPtr both = query_fragment("SELECT * FROM {0} JOIN {1} USING (a)", {shared, shared}, "", "");
  const RenderedQuery result = rendered(both);
  CHECK(result.inputs.size() == 1);
  CHECK(result.query.find("FROM s0 JOIN s0") != std::string::npos);
}

TEST_CASE("the user's own names are left alone") {
  const FragmentPtr inner = query_fragment("WITH in0 AS (FROM {0}) FROM in0", {leaf()}, "", "");
  const FragmentPtr outer = query_fragment("WITH s1 AS (FROM {0}) FROM s1", {inner}, "", "");
  const RenderedQuery result = rendered(outer);
  CHECK(result.inputs.front().name == "in_0");
  CHECK(result.query.find("s_0 AS (WITH in0 AS (FROM in_0) FROM in0") != std::string::npos);
  CHECK(free_prefix("s", "s") == "s");
  CHECK(free_prefix("s0 s_1", "s") == "s__");
}

TEST_CASE("statements before a query get their inputs' names") {
  auto made = std::make_shared<Fragment>(*query_fragment("SELECT * FROM x", {leaf()}, "", ""));
  made->setup = {"CREATE TEMP TABLE x AS SELECT a FROM {0}"};
  CHECK(rendered(made).setup == std::vector<std::string>{"CREATE TEMP TABLE x AS SELECT a FROM in0"});
}

TEST_CASE("a query runs in as many tasks as its partitioned input has partitions") {
  const FragmentPtr query = query_fragment("SELECT 1 FROM {0}, {1}", {shared_fragment(leaf(), 4), leaf(4)}, "", "");
  CHECK(query->tasks == 4);
  const RenderedQuery result = rendered(query);
  CHECK(result.inputs[0].is_broadcast());
  CHECK_FALSE(result.inputs[1].is_broadcast());
}

TEST_CASE("a placeholder without an input is an error") {
  CHECK(render(query_fragment("SELECT * FROM {1}", {leaf()}, "", "")).status().code() == StatusCode::kInvalidArgument);
}

}  // namespace millpond
