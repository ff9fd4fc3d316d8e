#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "duckdb/main/client_context.hpp"
#include "duckdb/planner/binder.hpp"
#include "duckdb/planner/expression.hpp"
#include "duckdb/planner/logical_operator.hpp"
#include "duckdb/planner/operator/logical_comparison_join.hpp"
#include "sql/cut/cut_plan.h"
#include "sql/engine.h"

namespace millpond {

/// How the rows of an operator lie.
struct Spread {
  bool is_single = true;     ///< All in one partition.
  bool is_constant = false;  ///< No input below it: the same rows wherever it runs.
  /// A row's partition follows from so many keys; for each, the columns that hold it. Empty: any row may be anywhere.
  std::vector<std::vector<duckdb::ColumnBinding>> keys;
  /// What follows from the keys how: empty for a step's hash of them. Equal keys of two operators are in the same partition
  /// only where these are equal.
  std::string placement;
  /// No row comes before one of an earlier partition in the order of these columns.
  struct Range {
    std::vector<duckdb::ColumnBinding> columns;  ///< All hold the same value.
    std::string order;                           ///< "ASC NULLS LAST".
  };
  std::vector<Range> ranges;
};

/// Gives a join that DuckDB can't run by comparing intervals the same condition as one that it evaluates for any two rows.
void with_any_condition(duckdb::LogicalOperator& join);

/// An equality between the sides of a join, as seen from one of them.
struct JoinKey {
  const duckdb::Expression* key = nullptr;  ///< That side's.
  bool null_meets_null = false;             ///< IS NOT DISTINCT FROM.
};

/// Walks an optimized plan from its leaves to its root and cuts it where rows must move. What can run where its rows are
/// stays one SELECT; a subtree that was cut off stands in the plan above it as the rows of a step.
/// Each operator's rule is in a file of its own. A rule may change the plan as long as its rows stay the same.
class Cutter {
 public:
  Cutter(duckdb::ClientContext& context, duckdb::Binder& binder, const std::vector<BoundInput>& inputs,
         const CutOptions& options, std::string source_prefix)
      : context_(context), binder_(binder), inputs_(inputs), options_(options), source_prefix_(std::move(source_prefix)) {}

  /// Cuts the plan, whose columns get `names`. Throws DuckDB's exceptions, and one for what can't be written as SQL.
  CutPlan run(duckdb::unique_ptr<duckdb::LogicalOperator>& root, const duckdb::vector<duckdb::Identifier>& names);

 private:
  using Operator = duckdb::unique_ptr<duckdb::LogicalOperator>;

  /// What stands in the plan in place of a subtree: columns of a step.
  struct Source {
    std::size_t step = 0;
    std::vector<std::string> columns;
  };

  /// Cuts below the operator as far as needed, so that it can run where its rows lie.
  Spread visit(Operator& op);
  Spread visit_get(duckdb::LogicalOperator& op);
  Spread visit_projection(duckdb::LogicalOperator& op);
  Spread visit_aggregate(Operator& op);
  Spread visit_distinct(duckdb::LogicalOperator& op);
  Spread visit_window(duckdb::LogicalOperator& op);
  /// Rows are dealt by ranges of the sort key, so that partition by partition they are in order; then each is sorted.
  Spread visit_order(duckdb::LogicalOperator& op);
  Spread visit_top_n(duckdb::LogicalOperator& op);
  Spread visit_limit(duckdb::LogicalOperator& op);
  /// A LIMIT or OFFSET that a subquery tells, over rows that lie so; nothing: it isn't one, or can't be done in parts.
  std::optional<Spread> limit_by_columns(duckdb::LogicalOperator& op, const Spread& spread);
  Spread visit_join(duckdb::LogicalOperator& op);
  /// Lets the sides of a join meet.
  Spread place_join(duckdb::LogicalOperator& op, Spread left, Spread right);
  Spread visit_union(duckdb::LogicalOperator& op);
  Spread visit_set_difference(duckdb::LogicalOperator& op);
  Spread visit_cte(Operator& op);
  Spread visit_cte_ref(duckdb::LogicalOperator& op);
  Spread visit_delim_join(duckdb::LogicalOperator& op);
  /// Brings all inputs below the operator to one place; it runs whole.
  Spread visit_whole(duckdb::LogicalOperator& op, const std::string& reason);

  /// Whether a side of so many rows had better go to every partition of the other.
  bool is_small(const duckdb::LogicalOperator& side, std::uint64_t rows, std::uint64_t other) const;
  /// Deals the smaller side first, and lets all partitions of the other, whose placement it gives, read it if its real size
  /// is known and small. If it isn't known, asks for it. Nothing: both must move, the other without the rows that are known
  /// to meet none.
  std::optional<Spread> share_by_real_size(duckdb::LogicalOperator& op, Spread& left, Spread& right, bool can_share_left,
                                           bool can_share_right);
  /// Asks how many rows the step that deals a join's side has and, where it is of use, what their keys are.
  void ask(std::size_t dealt, const std::vector<JoinKey>& keys, bool with_keys);
  /// Leaves out rows of a join's other side whose keys (the `key`s of `keys`) lie outside the bounds of what they are to meet.
  void keep_within(Operator& other, const std::vector<JoinKey>& keys, const std::vector<KeyBounds>& bounds);
  /// Leaves out rows of a join's other side whose keys aren't among those that this step deals, of which there are so many
  /// different ones: few are compared one by one, of many a Bloom filter is made.
  void keep_matching(duckdb::LogicalOperator& other, const std::vector<JoinKey>& keys, std::size_t dealt, std::int64_t distinct);
  /// Lets `other`, whose rows a join drops when they meet none of the rows of `side`, do without what `known` tells to meet none.
  void filter_other(duckdb::LogicalOperator& join, duckdb::LogicalOperator& side, Operator& other, const std::vector<JoinKey>& keys,
                    std::size_t dealt, const KnownKeys& known);
  /// A join that gives no rows, since the side that this step deals has none: its other side isn't computed.
  Spread nothing_of(duckdb::LogicalOperator& join, std::size_t dealt);
  /// Whether the operator gives all rows of an input, which are counted.
  bool is_at_rest(const duckdb::LogicalOperator& op) const;
  /// Stands for a step and all that it reads.
  std::string id_of(const CutStep& step) const;
  /// Whether the join's sides can meet by the hash of their equal keys; then does so.
  bool meet_by_hash(duckdb::LogicalOperator& op, Spread& left, Spread& right);
  Spread aggregate_in_two_steps(Operator& op);
  /// Aggregates without groups, sums of parts or of DISTINCT values: those of each value by themselves.
  Spread aggregate_by_values(Operator& op, const Spread& spread);

  /// The operator's rows in one partition.
  Spread gather(duckdb::LogicalOperator& op, const Spread& spread, const std::string& reason);
  /// Any so many of the operator's rows, in one partition.
  void take(duckdb::LogicalOperator& op, std::int64_t rows);
  /// The operator's rows dealt by the hash of expressions over its columns.
  Spread deal(duckdb::LogicalOperator& op, const Spread& spread, const std::vector<const duckdb::Expression*>& keys);
  /// The operator's rows dealt by ranges of so many keys. What it takes to compute them twice decides where keys are sampled.
  void deal_by_ranges(duckdb::LogicalOperator& op, const std::vector<const duckdb::Expression*>& keys,
                      std::vector<std::string> orders);
  /// The columns of a step that `emit` makes of the operator and keys, some of which it adds to `extra`.
  static std::vector<std::string> key_columns(duckdb::LogicalOperator& op, const std::vector<const duckdb::Expression*>& keys,
                                              std::vector<const duckdb::Expression*>& extra);
  /// Whether the operator only drops and computes columns and rows of what is at rest.
  bool is_light(duckdb::LogicalOperator& op) const;
  /// Cuts the operator off: what is above reads its rows from a step. Returns the step.
  std::size_t cut_off(duckdb::LogicalOperator& op);
  void set_source(duckdb::LogicalOperator& op, std::size_t step);
  void set_source(duckdb::LogicalOperator& op, Source source) { sources_[&op] = std::move(source); }
  std::size_t add(CutStep step);
  void keep_first_questions();

  /// A step with the operator's columns as c0, c1 …, followed by `extra` as k0, k1 ….
  std::size_t emit(duckdb::LogicalOperator& op, const std::vector<const duckdb::Expression*>& extra = {});
  std::size_t emit_named(duckdb::LogicalOperator& op, const std::vector<std::string>& names);
  std::string export_sql(duckdb::LogicalOperator& op, const std::vector<std::string>& names,
                         std::vector<std::size_t>& from);
  /// Whether the part of the plan that is not cut off may give other rows when it runs again.
  bool is_volatile(duckdb::LogicalOperator& op) const;
  /// The sources below whose rows may come in parts, beside all rows of the others: what the operator gives for the parts,
  /// put together, is what it gives for the whole.
  std::vector<duckdb::LogicalOperator*> divisible_sources(duckdb::LogicalOperator& op) const;
  void collect_sources(duckdb::LogicalOperator& op, std::vector<duckdb::LogicalOperator*>& found) const;
  std::uint64_t rows_of(duckdb::LogicalOperator& op);

  duckdb::ClientContext& context_;
  duckdb::Binder& binder_;
  const std::vector<BoundInput>& inputs_;
  const CutOptions& options_;
  const std::string source_prefix_;
  CutPlan plan_;
  std::vector<std::string> ids_;  ///< Of its steps.
  std::unordered_map<const duckdb::LogicalOperator*, Source> sources_;
  std::vector<Operator> replaced_;
  /// By table index: the step of a CTE's rows, and how they lie (its keys by column number).
  struct Shared {
    std::size_t step = 0;
    bool is_single = true;
    std::vector<std::vector<std::size_t>> keys;
    std::string placement;
  };
  std::map<std::uint64_t, Shared> ctes_;
  std::vector<Shared> delims_;     ///< The keys of the correlated subqueries that are being visited, innermost last.
  std::int64_t whole_delims_ = 0;  ///< Correlated subqueries around, of those that run whole.
};

/// Throws for a type with a collation: SQL that groups or compares such a column goes by the collation, also where the
/// plan goes by the bytes.
void refuse_collation(const duckdb::LogicalType& type);

/// Whether each row that the join gives follows from one row of its left (right) side and the whole other side.
bool left_decides(const duckdb::LogicalOperator& join);
bool right_decides(const duckdb::LogicalOperator& join);

/// Whether the join gives nothing when its left (right) side has no rows, and whether a row of that side which meets none is
/// not seen in what it gives.
bool needs_left(const duckdb::LogicalOperator& join);
bool needs_right(const duckdb::LogicalOperator& join);
bool drops_left(const duckdb::LogicalOperator& join);
bool drops_right(const duckdb::LogicalOperator& join);

/// A column's name in a step: c0, c1 ….
std::string numbered(char letter, std::size_t number);

/// Whether rows that are equal in these expressions are in one partition.
bool is_together(const Spread& spread, const std::vector<const duckdb::Expression*>& expressions);
/// How rows lie above an operator that gives columns other names: `renamed` tells the names of one of its input's columns.
Spread with_names(const Spread& spread,
                  const std::function<std::vector<duckdb::ColumnBinding>(const duckdb::ColumnBinding&)>& renamed);
/// Whether aggregates, among them some of DISTINCT values, can be computed value by value.
bool can_go_by_values(const duckdb::LogicalOperator& aggregate);
/// Whether a computed key may be another when it is computed again.
bool is_volatile_key(const duckdb::Expression* key);

/// The column an expression is; nothing for any other expression.
const duckdb::ColumnBinding* column_of(const duckdb::Expression& expression);

}  // namespace millpond
