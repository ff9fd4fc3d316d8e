// Joins: a small side goes to every partition of the other, or both sides are dealt by the hash of their equal keys.

#include <algorithm>

#include "duckdb/planner/operator/logical_any_join.hpp"
#include "duckdb/planner/operator/logical_comparison_join.hpp"
#include "sql/cut/cutter.h"
#include "sql/partition_hash.h"

namespace millpond {
namespace {

using duckdb::Expression;
using duckdb::JoinType;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

// So few rows go everywhere without a thought.
constexpr std::uint64_t kFewRows = 20000;
// Nor are rows sent everywhere that would fill each task's memory.
constexpr double kMostBytes = 256e6;
// What a row costs: in a hash table, written to an exchange file, read from one.
constexpr double kBuild = 2;
constexpr double kWrite = 2;
constexpr double kRead = 1;
// What would move must be so much before the other side is counted first.
constexpr double kWorthCounting = 16e6;

// What a row takes in memory, coarsely.
double row_bytes(const LogicalOperator& op) {
  double bytes = 0;
  for (const auto& type : op.types) bytes += static_cast<double>(duckdb::GetTypeIdSize(type.InternalType()));
  return bytes;
}

// Whether a task is done sooner when it reads all of the side's rows than when it gets its share of both sides.
bool is_cheaper_shared(const LogicalOperator& side, double rows, double other, double partitions) {
  const double shared = rows * (kRead + kBuild);
  const double dealt = ((rows + other) * (kWrite + kRead) + rows * kBuild) / partitions;
  return shared <= dealt && rows * row_bytes(side) <= kMostBytes;
}

JoinType join_type(const LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT: return JoinType::INNER;
    case LogicalOperatorType::LOGICAL_ANY_JOIN: return op.Cast<duckdb::LogicalAnyJoin>().join_type;
    default: return op.Cast<duckdb::LogicalComparisonJoin>().join_type;
  }
}

// Whether each row of the left side is decided by itself and the whole right side.
bool left_decides(JoinType type) {
  return type == JoinType::INNER || type == JoinType::LEFT || type == JoinType::SEMI || type == JoinType::ANTI ||
         type == JoinType::MARK || type == JoinType::SINGLE;
}

bool right_decides(JoinType type) {
  return type == JoinType::INNER || type == JoinType::RIGHT || type == JoinType::RIGHT_SEMI || type == JoinType::RIGHT_ANTI;
}

struct KeyPair {
  const Expression* left;
  const Expression* right;
  bool null_meets_null;
};

// Conditions that only rows of equal hash fulfil.
std::vector<KeyPair> equal_keys(const LogicalOperator& op) {
  std::vector<KeyPair> keys;
  if (op.type != LogicalOperatorType::LOGICAL_COMPARISON_JOIN && op.type != LogicalOperatorType::LOGICAL_ASOF_JOIN) return keys;
  for (const auto& condition : op.Cast<duckdb::LogicalComparisonJoin>().conditions) {
    if (!condition.IsComparison()) continue;
    const auto type = condition.GetComparisonType();
    if (type != duckdb::ExpressionType::COMPARE_EQUAL && type != duckdb::ExpressionType::COMPARE_NOT_DISTINCT_FROM) continue;
    if (condition.GetLHS().GetReturnType() != condition.GetRHS().GetReturnType()) continue;
    if (!can_partition_by(condition.GetLHS().GetReturnType())) continue;
    if (condition.GetLHS().IsVolatile() || condition.GetRHS().IsVolatile()) continue;
    if (!condition.GetLHS().IsConsistent() || !condition.GetRHS().IsConsistent()) continue;
    keys.push_back({&condition.GetLHS(), &condition.GetRHS(), type == duckdb::ExpressionType::COMPARE_NOT_DISTINCT_FROM});
  }
  return keys;
}

bool holds(const std::vector<duckdb::ColumnBinding>& columns, const Expression& key) {
  const auto* column = column_of(key);
  return column != nullptr && std::find(columns.begin(), columns.end(), *column) != columns.end();
}

// The conditions in the order in which a side is dealt already, by a step's hash; nothing when it isn't.
std::vector<KeyPair> as_dealt(const std::vector<KeyPair>& keys, const Spread& spread, const Expression* KeyPair::* side) {
  std::vector<KeyPair> chosen;
  if (!spread.placement.empty()) return chosen;
  for (const auto& columns : spread.keys) {
    const auto found = std::find_if(keys.begin(), keys.end(), [&](const KeyPair& key) { return holds(columns, *(key.*side)); });
    if (found == keys.end()) return {};
    chosen.push_back(*found);
  }
  return chosen;
}

// Whether rows that fulfil the conditions are in partitions of the same number already: both sides are dealt in the same
// way, and what stands at each place among their keys is compared.
bool are_aligned(const std::vector<KeyPair>& keys, const Spread& left, const Spread& right) {
  if (left.is_single || right.is_single || left.placement != right.placement) return false;
  if (left.keys.empty() || left.keys.size() != right.keys.size()) return false;
  for (std::size_t i = 0; i < left.keys.size(); ++i) {
    const auto is_compared = [&](const KeyPair& key) { return holds(left.keys[i], *key.left) && holds(right.keys[i], *key.right); };
    if (std::none_of(keys.begin(), keys.end(), is_compared)) return false;
  }
  return true;
}

}  // namespace

bool left_decides(const LogicalOperator& join) { return left_decides(join_type(join)); }

// In an ASOF join a row of the left side takes one row of all the right side's.
bool right_decides(const LogicalOperator& join) {
  return right_decides(join_type(join)) && join.type != LogicalOperatorType::LOGICAL_ASOF_JOIN;
}

bool needs_left(const LogicalOperator& join) { return left_decides(join) || join_type(join) == JoinType::RIGHT_SEMI; }
bool needs_right(const LogicalOperator& join) { return right_decides(join) || join_type(join) == JoinType::SEMI; }

bool drops_left(const LogicalOperator& join) {
  const JoinType type = join_type(join);
  return type == JoinType::INNER || type == JoinType::SEMI || type == JoinType::RIGHT || type == JoinType::RIGHT_SEMI ||
         type == JoinType::RIGHT_ANTI;
}

bool drops_right(const LogicalOperator& join) {
  const JoinType type = join_type(join);
  return type == JoinType::INNER || type == JoinType::LEFT || type == JoinType::SEMI || type == JoinType::ANTI ||
         type == JoinType::RIGHT_SEMI;
}

Spread Cutter::visit_join(LogicalOperator& op) {
  with_any_condition(op);
  const Spread left = visit(op.children[0]);
  const Spread right = visit(op.children[1]);
  return place_join(op, left, right);
}

bool Cutter::meet_by_hash(LogicalOperator& op, Spread& left, Spread& right) {
  const std::vector<KeyPair> all = equal_keys(op);
  if (all.empty()) return false;
  if (are_aligned(all, left, right)) return true;
  std::vector<KeyPair> keys;
  if (!left.is_single) keys = as_dealt(all, left, &KeyPair::left);
  if (keys.empty() && !right.is_single) keys = as_dealt(all, right, &KeyPair::right);
  if (keys.empty()) keys = all;
  std::vector<const Expression*> left_keys;
  std::vector<const Expression*> right_keys;
  for (const KeyPair& key : keys) {
    left_keys.push_back(key.left);
    right_keys.push_back(key.right);
  }
  left = deal(*op.children[0], left, left_keys);
  right = deal(*op.children[1], right, right_keys);
  return true;
}

bool Cutter::is_small(const LogicalOperator& side, std::uint64_t rows, std::uint64_t other) const {
  const std::int64_t limit = options_.broadcast_limit;
  if (limit >= 0) return limit > 0 && rows <= static_cast<std::uint64_t>(limit);
  if (rows <= kFewRows) return true;
  return is_cheaper_shared(side, static_cast<double>(rows), static_cast<double>(other), static_cast<double>(options_.partitions));
}

std::optional<Spread> Cutter::share_by_real_size(LogicalOperator& op, Spread& left, Spread& right, bool can_share_left,
                                                 bool can_share_right) {
  const bool tells_left = can_share_right || drops_left(op);
  const bool tells_right = can_share_left || drops_right(op);
  const bool is_right = tells_left && (!tells_right || rows_of(*op.children[1]) <= rows_of(*op.children[0]));
  if ((!is_right && !tells_right) || options_.broadcast_limit == 0) return {};
  LogicalOperator& side = *op.children[is_right ? 1 : 0];
  LogicalOperator& other = *op.children[is_right ? 0 : 1];
  const std::uint64_t other_rows = rows_of(other);
  if (is_at_rest(side) || static_cast<double>(other_rows) * row_bytes(other) < kWorthCounting) return {};
  const std::vector<KeyPair> keys = equal_keys(op);
  if (!as_dealt(keys, left, &KeyPair::left).empty() || !as_dealt(keys, right, &KeyPair::right).empty()) return {};
  std::vector<const Expression*> side_keys;
  std::vector<JoinKey> here;
  std::vector<JoinKey> there;
  for (const KeyPair& key : keys) {
    side_keys.push_back(is_right ? key.right : key.left);
    here.push_back({is_right ? key.right : key.left, key.null_meets_null});
    there.push_back({is_right ? key.left : key.right, key.null_meets_null});
  }
  const auto is_hashed = [](const Expression* key) { return can_partition_by(key->GetReturnType()); };
  if (!std::all_of(side_keys.begin(), side_keys.end(), is_hashed)) return {};
  Spread& spread = is_right ? right : left;
  spread = deal(side, spread, side_keys);
  if (spread.is_single) return {};
  const std::size_t dealt = sources_.at(&side).step;
  const std::string& id = ids_[dealt];
  const bool drops_other = is_right ? drops_left(op) : drops_right(op);
  const auto known = options_.known_rows.find(id);
  if (known == options_.known_rows.end()) {
    ask(dealt, here, drops_other);
    return {};
  }
  if (known->second == 0 && (is_right ? needs_right(op) : needs_left(op))) return nothing_of(op, dealt);
  if (!(is_right ? can_share_right : can_share_left) || !is_small(side, static_cast<std::uint64_t>(known->second), other_rows)) {
    const auto keys_there = options_.known_keys.find(id);
    if (drops_other && keys_there != options_.known_keys.end()) {
      filter_other(op, side, op.children[is_right ? 0 : 1], there, dealt, keys_there->second);
    }
    return {};
  }
  CutStep all;
  all.kind = CutStep::Kind::kGather;
  all.from = {dealt};
  all.reason = "a side of a join that turned out small goes to every partition";
  set_source(side, add(std::move(all)));
  return is_right ? left : right;
}

Spread Cutter::place_join(LogicalOperator& op, Spread left, Spread right) {
  LogicalOperator& left_side = *op.children[0];
  LogicalOperator& right_side = *op.children[1];
  if (left.is_single && right.is_single) {
    left.is_constant = left.is_constant && right.is_constant;
    return left;
  }
  const JoinType type = join_type(op);
  const std::uint64_t left_rows = rows_of(left_side);
  const std::uint64_t right_rows = rows_of(right_side);
  const auto share = [&](LogicalOperator& side, const Spread& spread) {
    // A task of its own, where each would draw other numbers.
    if (spread.is_constant && !is_volatile(side)) return;
    if (!spread.is_single) {
      gather(side, spread, "the smaller side of a join goes to every partition");
    } else if (!sources_.contains(&side)) {
      cut_off(side);
    }
  };
  const bool can_share_right = !left.is_single && left_decides(type);
  const bool can_share_left = !right.is_single && right_decides(op);
  const std::vector<KeyPair> keys = equal_keys(op);
  const bool can_hash = !keys.empty() && type != JoinType::MARK;
  const bool meets = can_hash && are_aligned(keys, left, right);
  if (!meets && can_share_right && (is_small(right_side, right_rows, left_rows) || !can_hash)) {
    share(right_side, right);
    return left;
  }
  if (!meets && can_share_left && (is_small(left_side, left_rows, right_rows) || !can_hash)) {
    share(left_side, left);
    return right;
  }
  if (can_hash && !meets && !left.is_single && !right.is_single) {
    if (const auto shared = share_by_real_size(op, left, right, can_share_left, can_share_right)) return *shared;
  }
  if (can_hash && meet_by_hash(op, left, right)) {
    Spread result;
    result.is_single = false;
    if (type == JoinType::OUTER) return result;  // Either side may be filled with NULL.
    result = right_decides(type) && !left_decides(type) ? right : left;
    if (type == JoinType::INNER) {
      for (std::size_t i = 0; i < result.keys.size(); ++i) {
        result.keys[i].insert(result.keys[i].end(), right.keys[i].begin(), right.keys[i].end());
      }
    }
    return result;
  }
  if (can_share_right) {
    share(right_side, right);
    return left;
  }
  if (can_share_left) {
    share(left_side, left);
    return right;
  }
  const std::string reason = "a join of this kind without equal keys sees all rows of both sides";
  gather(left_side, left, reason);
  gather(right_side, right, reason);
  return {};
}

}  // namespace millpond
