#include <optional>
#include <utility>

#include "api/frames.h"
#include "base/hash.h"
#include "base/quote.h"
#include "data/schema.h"
#include "sql/engine.h"

namespace millpond {
namespace {

bool is_integer(const std::string& type) { return canonical_hash_type(type) == "integer"; }

std::string key_query(const std::vector<std::string>& keys, const Schema& schema) {
  std::string query;
  for (const auto& key : keys) {
    const int column = find_column(schema, key);
    query += query.empty() ? "SELECT " : ", ";
    query += column >= 0 ? quote_identifier(schema[static_cast<std::size_t>(column)].name) : "(" + key + "\n)";
  }
  return query + " FROM {0}";
}

RepartitionOp::Kind kind_of(const RepartitionOptions& options) {
  if (!options.by.empty()) return RepartitionOp::Kind::kNumber;
  if (!options.hash_by.empty()) return RepartitionOp::Kind::kHash;
  if (!options.range_by.empty()) return RepartitionOp::Kind::kRange;
  if (options.random) return RepartitionOp::Kind::kRandom;
  if (options.consolidate) return RepartitionOp::Kind::kConsolidate;
  if (options.repeat) return RepartitionOp::Kind::kRepeat;
  return options.by_rows ? RepartitionOp::Kind::kRows : RepartitionOp::Kind::kFiles;
}

Result<RepartitionOp> checked(std::int64_t npartitions, const RepartitionOptions& options) {
  const int chosen = (options.by.empty() ? 0 : 1) + (options.hash_by.empty() ? 0 : 1) +
                     (options.range_by.empty() ? 0 : 1) + (options.by_rows ? 1 : 0) + (options.random ? 1 : 0) + (options.consolidate ? 1 : 0) + (options.repeat ? 1 : 0);
  if (chosen > 1) return Status::invalid_argument("choose one of by, hash_by, range_by, by_rows, random, consolidate and repeat");
  if (npartitions < 1) {
    return Status::invalid_argument("npartitions is " + std::to_string(npartitions) + "; it must be at least 1");
  }
  RepartitionOp op;
  op.kind = kind_of(options);
  op.count = npartitions;
  op.seed = options.seed;
  op.nested = options.nested;
  if (op.nested && op.kind != RepartitionOp::Kind::kHash && op.kind != RepartitionOp::Kind::kNumber &&
      op.kind != RepartitionOp::Kind::kRandom) {
    return Status::invalid_argument("nested goes with by, hash_by and random");
  }
  op.keys = options.by.empty() ? options.hash_by : std::vector<std::string>{options.by};
  return op;
}

}  // namespace

std::vector<Partitioning::Key> key_sources(Session::Impl& session, const std::vector<std::string>& keys, const Schema& schema) {
  std::vector<Partitioning::Key> sources;
  for (const auto& key : keys) {
    if (const int column = find_column(schema, key); column >= 0) {
      const std::string& name = schema[static_cast<std::size_t>(column)].name;
      sources.push_back({quote_identifier(name), {name}});
      continue;
    }
    const Result<BoundSql> bound = bind_partial_sql(session, "SELECT 1 FROM {0} GROUP BY (" + key + "\n)", {schema});
    if (!bound.is_ok() || bound->traits.is_volatile || bound->traits.group_keys.size() != 1) return {};
    const auto& used = bound->traits.used_columns;
    if (used.size() != 1 || !used.front() || used.front()->empty()) return {};
    sources.push_back({bound->traits.group_keys.front(), *used.front()});
  }
  return sources;
}

namespace {

Result<Partitioning> bind_flat(Session::Impl& session, const RepartitionOp& op, const NodePtr& input) {
  const std::string identity = std::string(repartition_kind_name(op.kind)) + "/" + std::to_string(op.count);
  switch (op.kind) {
    case RepartitionOp::Kind::kHash: {
      if (!input->schema) return hash_partitioning({}, {}, op.count);
      MILLPOND_ASSIGN_OR_RETURN(const BoundSql bound, bind_partial_sql(session, key_query(op.keys, *input->schema), {*input->schema}));
      std::vector<std::string> types;
      std::vector<std::string> columns;
      bool all_columns = true;
      for (std::size_t i = 0; i < op.keys.size(); ++i) {
        types.push_back(bound.schema[i].type);
        const int column = find_column(*input->schema, op.keys[i]);
        all_columns = all_columns && column >= 0;
        if (column >= 0) columns.push_back((*input->schema)[static_cast<std::size_t>(column)].name);
      }
      if (op.count == 1) return single_partition();
      Partitioning dealt = hash_partitioning(all_columns ? columns : std::vector<std::string>{}, types, op.count);
      dealt.determined_by = key_sources(session, op.keys, *input->schema);
      return dealt;
    }
    case RepartitionOp::Kind::kNumber: {
      if (input->schema) {
        MILLPOND_ASSIGN_OR_RETURN(const BoundSql bound, bind_partial_sql(session, key_query(op.keys, *input->schema), {*input->schema}));
        if (!is_integer(bound.schema.front().type)) {
          return Status::invalid_argument("by=\"" + op.keys.front() + "\" is of type " + bound.schema.front().type +
                                              "; a partition number must be an integer",
                                          "use hash_by= to partition by values of any type");
        }
      }
      Partitioning dealt = other_partitioning(Partitioning::Kind::kNumber, op.count, identity);
      if (input->schema && op.count > 1) dealt.determined_by = key_sources(session, op.keys, *input->schema);
      return dealt;
    }
    case RepartitionOp::Kind::kRandom:
      return other_partitioning(Partitioning::Kind::kRandom, op.count,
                                identity + "/" + std::to_string(op.seed) + "/" + input->fingerprint);
    default:
      return other_partitioning(Partitioning::Kind::kUnknown, op.count, identity + "/" + input->fingerprint);
  }
}

/// What an earlier dealing, whose rows are dealt anew by their values, would only move in vain. Runs of files and rows move
/// nothing and let several tasks read them.
NodePtr before_dealing(NodePtr node) {
  using Kind = RepartitionOp::Kind;
  const auto* op = std::get_if<RepartitionOp>(&node->op);
  while (op != nullptr && (op->kind == Kind::kHash || op->kind == Kind::kRandom || op->kind == Kind::kRange ||
                           op->kind == Kind::kConsolidate)) {
    node = node->inputs.front();
    op = std::get_if<RepartitionOp>(&node->op);
  }
  return node;
}

/// A column's name to the letter is that column; anything else is read as ORDER BY reads it.
Result<RepartitionOp> in_order_of(Session::Impl& session, const std::vector<std::string>& terms, const Schema& schema,
                                  RepartitionOp op) {
  op.keys.clear();
  for (const auto& term : terms) {
    if (find_column(schema, term) >= 0) {
      op.keys.push_back(term);
      op.orders.push_back("ASC NULLS LAST");
      continue;
    }
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<OrderTerm> parsed, session.planner().parse_order(term));
    for (const OrderTerm& one : parsed) {
      op.keys.push_back(one.column.empty() ? one.expression : one.column);
      op.orders.push_back(one.order);
    }
  }
  MILLPOND_ASSIGN_OR_RETURN(const BoundSql bound, bind_partial_sql(session, key_query(op.keys, schema), {schema}));
  if (bound.traits.has_aggregate || bound.traits.has_window || bound.traits.is_volatile) {
    return Status::invalid_argument("range_by takes what follows from a row alone, and is the same each time");
  }
  return op;
}

/// The placement that nested partitions had before they were dealt further, where it has `count` partitions.
std::optional<Partitioning> outer_level(const Partitioning& nested, std::int64_t count) {
  for (auto level = nested.outer.begin(); level != nested.outer.end(); ++level) {
    if (level->count != count) continue;
    Partitioning outer = other_partitioning(Partitioning::Kind::kUnknown, level->count, level->identity);
    outer.outer.assign(nested.outer.begin(), level);
    return outer;
  }
  return {};
}

}  // namespace

Result<Partitioning> bind_repartition(Session::Impl& session, const RepartitionOp& op, const NodePtr& input) {
  if (op.kind == RepartitionOp::Kind::kConsolidate && op.count > input->partitioning.count) {
    return Status::invalid_argument("there are only " + std::to_string(input->partitioning.count) + " partitions to bring to " +
                                        std::to_string(op.count),
                                    "repartition by rows or files to make more");
  }
  if (op.kind == RepartitionOp::Kind::kConsolidate) {
    if (auto outer = outer_level(input->partitioning, op.count)) return *outer;
  }
  MILLPOND_ASSIGN_OR_RETURN(Partitioning flat, bind_flat(session, op, input));
  return op.nested ? nested_partitioning(input->partitioning, flat) : flat;
}

Result<DataFrame> DataFrame::repartition(std::int64_t npartitions, const RepartitionOptions& options,
                                         const std::string& location) const {
  FrameContext context{session_, "repartition", location};
  Result<RepartitionOp> op = checked(npartitions, options);
  if (!op.is_ok()) return context.fail(op.status());
  if (op->kind == RepartitionOp::Kind::kRange) {
    const auto deal = [&]() -> Result<NodePtr> {
      const NodePtr before = before_dealing(node_);
      MILLPOND_ASSIGN_OR_RETURN(const NodePtr rows, before->schema ? Result<NodePtr>(before) : session_->impl().resolve(before));
      MILLPOND_ASSIGN_OR_RETURN(RepartitionOp ordered, in_order_of(session_->impl(), options.range_by, *rows->schema, *op));
      return deal_by_ranges(context, rows, rows, std::move(ordered));
    };
    const Result<NodePtr> node = deal();
    return node.is_ok() ? DataFrame(session_, *node) : Result<DataFrame>(context.fail(node.status()));
  }
  Result<Partitioning> partitioning = bind_repartition(session_->impl(), *op, node_);
  if (!partitioning.is_ok()) return context.fail(partitioning.status());
  return context.frame(*op, {node_}, node_->schema, *partitioning);
}

Result<DataFrame> DataFrame::random_shuffle(std::optional<std::uint64_t> seed, const std::string& location) const {
  FrameContext context{session_, "random_shuffle", location};
  RepartitionOptions options;
  options.random = true;
  // Without a seed of the user's own, the plan decides: the same program shuffles the same way, so that it can resume.
  options.seed = seed.value_or(xxh3_64(node_->fingerprint));
  MILLPOND_ASSIGN_OR_RETURN(const DataFrame dealt, repartition(num_partitions(), options, location));
  std::string row = "__millpond_row";
  while (node_->schema && find_column(*node_->schema, row) >= 0) row += '_';
  return make_partial_sql(context,
                          "SELECT * EXCLUDE (" + row + ") FROM (SELECT *, row_number() OVER () AS " + row + " FROM {0})\n"
                          "ORDER BY millpond_hash(" + row + ", " + std::to_string(options.seed) + "::UBIGINT), " + row,
                          {dealt.node()}, false);
}

Result<DataFrame> DataFrame::union_all(const std::vector<DataFrame>& others, const std::string& location) const {
  FrameContext context{session_, "union", location};
  std::vector<NodePtr> nodes = {node_};
  std::int64_t count = node_->partitioning.count;
  std::string identity = "union/" + node_->fingerprint;
  for (const auto& other : others) {
    const auto& mine = node_->schema;
    const auto& theirs = other.node()->schema;
    if (mine && theirs && *mine != *theirs) {
      return context.fail(Status::invalid_argument(
          "the frames have different columns: (" + schema_to_string(*mine) + ") and (" + schema_to_string(*theirs) + ")",
          "bring them to the same names, types and order with select() first"));
    }
    nodes.push_back(other.node());
    count += other.node()->partitioning.count;
    identity += "/" + other.node()->fingerprint;
  }
  return context.frame(UnionOp{}, nodes, node_->schema,
                       other_partitioning(Partitioning::Kind::kUnknown, count, identity));
}

Result<DataFrame> DataFrame::limit(std::int64_t n, const std::string& location) const {
  FrameContext context{session_, "limit", location};
  if (n < 0) return context.fail(Status::invalid_argument("limit is " + std::to_string(n) + "; it must not be negative"));
  return context.frame(LimitOp{n}, {node_}, node_->schema, single_partition());
}

}  // namespace millpond
