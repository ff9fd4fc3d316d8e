#pragma once

#include <string>
#include <utility>
#include <vector>

#include "plan/node.h"

namespace millpond {

/// Two BIGINT columns in one Parquet file of `rows` rows.
inline NodePtr scan(const std::string& path = "/data/a.parquet", std::int64_t rows = 100) {
  ScanOp op;
  FileSlice file;
  file.path = path;
  file.size = 1000;
  file.num_rows = rows;
  op.files = {file};
  return make_node(op, {}, Schema{{"k", "BIGINT"}, {"v", "BIGINT"}}, single_partition(), "read_parquet", "job.py:1");
}

inline NodePtr by_hash(const NodePtr& input, std::int64_t count, const std::string& key = "k") {
  RepartitionOp op;
  op.kind = RepartitionOp::Kind::kHash;
  op.count = count;
  op.keys = {key};
  return make_node(op, {input}, input->schema, hash_partitioning({key}, {"BIGINT"}, count), "repartition", "job.py:2");
}

inline NodePtr dealt(const NodePtr& input, std::int64_t count, RepartitionOp::Kind kind, const std::string& key = "") {
  RepartitionOp op;
  op.kind = kind;
  op.count = count;
  if (!key.empty()) op.keys = {key};
  const Partitioning placed = other_partitioning(Partitioning::Kind::kUnknown, count, "dealt/" + input->fingerprint);
  return make_node(op, {input}, input->schema, placed, "repartition", "job.py:2");
}

inline NodePtr sql(const std::string& query, std::vector<NodePtr> inputs, Schema schema, PartialSqlTraits traits = {}) {
  PartialSqlOp op;
  op.query = query;
  op.traits = std::move(traits);
  Partitioning partitioning = single_partition();
  for (const NodePtr& input : inputs) {
    if (input->partitioning.count > 1) partitioning = input->partitioning;
  }
  return make_node(op, std::move(inputs), std::move(schema), partitioning, "partial_sql", "job.py:3");
}

/// A user's function over every row; what it gives is not known.
inline NodePtr call(const NodePtr& input) {
  CallOp op;
  op.kind = "map";
  op.name = "f";
  op.function_path = "/f";
  op.function_digest = "digest";
  return make_node(op, {input}, std::nullopt, input->partitioning, "map", "job.py:4");
}

/// SELECT k, count(*) AS n … GROUP BY k, as the engine describes it.
inline NodePtr grouped_by_k(const NodePtr& input) {
  PartialSqlTraits traits;
  traits.has_aggregate = traits.is_grouping = true;
  traits.group_columns = {"k"};
  traits.passed_columns = {{"k", "k"}};
  traits.used_columns = {std::vector<std::string>{"k"}};
  return sql("SELECT k, count(*) AS n FROM {0} GROUP BY k", {input}, {{"k", "BIGINT"}, {"n", "BIGINT"}}, traits);
}

}  // namespace millpond
