#include "plan/partitioning.h"

#include "catch.hpp"

namespace millpond {

TEST_CASE("hash placements fit together by types and count, whatever the names") {
  const Partitioning orders = hash_partitioning({"user_id"}, {"BIGINT"}, 16);
  CHECK(orders.identity == hash_partitioning({"id"}, {"TINYINT"}, 16).identity);
  CHECK(orders.identity != hash_partitioning({"id"}, {"VARCHAR"}, 16).identity);
  CHECK(orders.identity != hash_partitioning({"id"}, {"DECIMAL(9,2)"}, 16).identity);
  CHECK(orders.identity != hash_partitioning({"id"}, {"BIGINT"}, 17).identity);
  CHECK(orders.identity != hash_partitioning({"id", "x"}, {"BIGINT", "BIGINT"}, 16).identity);
}

TEST_CASE("types that hash alike are one class") {
  for (const char* type : {"TINYINT", "UBIGINT", "HUGEINT", "UHUGEINT"}) CHECK(canonical_hash_type(type) == "integer");
  for (const char* type : {"FLOAT", "DOUBLE"}) CHECK(canonical_hash_type(type) == "floating");
  CHECK(canonical_hash_type("DECIMAL(9,2)") == "DECIMAL(9,2)");
}

TEST_CASE("one partition is one partition, however it came about") {
  CHECK(other_partitioning(Partitioning::Kind::kRandom, 1, "x") == single_partition());
}

TEST_CASE("a placement reads as a sentence") {
  CHECK(partitioning_to_string(single_partition()) == "1 partition");
  CHECK(partitioning_to_string(hash_partitioning({"a", "b"}, {"BIGINT", "DATE"}, 3)) == "3 partitions by hash(a, b)");
  CHECK(partitioning_to_string(hash_partitioning({}, {"BIGINT"}, 3)) == "3 partitions by hash");
  CHECK(partitioning_to_string(other_partitioning(Partitioning::Kind::kUnknown, 7, "x")) == "7 partitions");
}

TEST_CASE("nested placements remember those around them") {
  const Partitioning outer = hash_partitioning({"a"}, {"BIGINT"}, 3);
  const Partitioning nested = nested_partitioning(outer, hash_partitioning({"b"}, {"BIGINT"}, 4));
  CHECK(nested.count == 12);
  REQUIRE_FALSE(nested.outer.empty());
  CHECK(nested.outer.back().count == 3);
  CHECK(nested.outer.back().identity == outer.identity);
}

}  // namespace millpond
