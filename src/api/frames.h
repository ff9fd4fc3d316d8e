#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/session_impl.h"
#include "millpond/dataframe.h"
#include "plan/node.h"

namespace millpond {

/// The steps that DataFrame's and Session's methods share. `name` is the user's word for the operation.
struct FrameContext {
  std::shared_ptr<Session> session;
  std::string name;
  std::string location;

  Session::Impl& impl() const { return session->impl(); }
  /// The status with the user's line and word on it.
  Status fail(const Status& status) const { return status.with_context({location, name, {}, {}, {}}); }
  /// A frame over a new node, remembered for graph().
  DataFrame frame(Op op, std::vector<NodePtr> inputs, std::optional<Schema> schema, Partitioning partitioning) const;
};

/// The schemas of all nodes, or nothing when one is not known yet.
std::optional<std::vector<Schema>> known_schemas(const std::vector<NodePtr>& nodes);

/// A partition-wise query over nodes: checks partitions, binds, and finds out what it does. `is_users_own`: warn when it
/// computes per partition what its author may have meant globally.
Result<DataFrame> make_partial_sql(const FrameContext& context, const std::string& text,
                                   const std::vector<NodePtr>& inputs, bool is_users_own);

/// The partitioning of a partition-wise query's result, or why its inputs can't be read side by side.
Result<Partitioning> partial_partitioning(const std::vector<NodePtr>& inputs, const PartialSqlTraits& traits);

/// Binds a partition-wise operation to its inputs' schemas: its schema and traits.
struct BoundSql {
  Schema schema;
  PartialSqlTraits traits;
};
Result<BoundSql> bind_partial_sql(Session::Impl& session, const std::string& query, const std::vector<Schema>& inputs,
                                  const std::vector<std::string>& setup = {});

/// `rows` dealt to `op.count` partitions that follow each other in the order of op.keys. The bounds come from a sample of
/// `sampled`, which holds the keys of the same rows: `rows` itself, unless reading it twice would cost more.
Result<NodePtr> deal_by_ranges(const FrameContext& context, const NodePtr& rows, const NodePtr& sampled, RepartitionOp op);

/// What a row's partition follows from when it is dealt by such keys; nothing when a key is not the same each time.
std::vector<Partitioning::Key> key_sources(Session::Impl& session, const std::vector<std::string>& keys, const Schema& schema);

/// Checks a repartition against its input's columns; gives the resulting placement.
Result<Partitioning> bind_repartition(Session::Impl& session, const RepartitionOp& op, const NodePtr& input);

}  // namespace millpond
