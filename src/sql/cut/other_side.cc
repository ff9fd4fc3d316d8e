// Rows of a join's side that meet none of the keys of the other, which are known: they need not move.

#include <algorithm>
#include <utility>

#include "sql/arrow_export.h"
#include "sql/bloom_filter.h"
#include "sql/cut/cutter.h"

namespace millpond {
namespace {

// So many keys are compared one by one: that is exact, and in each task DuckDB has them tell it which row groups to read.
constexpr std::int64_t kFewKeys = 1000;
// All tasks read the whole filter. What doesn't move because of it must be so much more.
constexpr double kWorthReading = 4;

void add_to(std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; }

// How many of the other side's rows find one of so many keys. DuckDB's estimate of the join, made for a side of `estimated`
// rows, tells how many there were to choose from.
double matches(double join_rows, double estimated, std::int64_t distinct) {
  return join_rows * static_cast<double>(distinct) / std::max(estimated, 1.0);
}

}  // namespace

void Cutter::filter_other(duckdb::LogicalOperator& join, duckdb::LogicalOperator& side, Operator& other,
                          const std::vector<JoinKey>& keys, std::size_t dealt, const KnownKeys& known) {
  const auto rows = static_cast<double>(rows_of(*other));
  const double left = matches(static_cast<double>(rows_of(join)), static_cast<double>(rows_of(side)), known.distinct);
  keep_within(other, keys, known.bounds);
  if (known.distinct <= 0 || left > rows / 2 || other->types.empty()) return;
  double width = 0;
  for (const auto& type : other->types) width += static_cast<double>(duckdb::GetTypeIdSize(type.InternalType()));
  const double filter = static_cast<double>(bloom::blocks_for(static_cast<std::uint64_t>(known.distinct)) * bloom::kBlockBytes);
  if (filter * static_cast<double>(options_.partitions) * kWorthReading > (rows - left) * width) return;
  keep_matching(*other, keys, dealt, known.distinct);
}

void Cutter::keep_matching(duckdb::LogicalOperator& other, const std::vector<JoinKey>& keys, std::size_t dealt, std::int64_t distinct) {
  std::vector<const duckdb::Expression*> columns;
  for (const JoinKey& key : keys) columns.push_back(key.key);
  std::vector<const duckdb::Expression*> extra;
  const std::vector<std::string> there = key_columns(other, columns, extra);
  const std::vector<std::string> here = plan_.steps[dealt].keys;
  const bool are_few = distinct <= kFewKeys;
  CutStep each;
  CutStep together;
  CutStep kept;
  each.kind = kept.kind = CutStep::Kind::kQuery;
  each.from = {dealt};
  std::string hashed_here;
  std::string hashed_there;
  std::string meets;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string name = numbered('d', i);
    add_to(hashed_here, here[i]);
    add_to(hashed_there, there[i]);
    meets += (i == 0 ? "" : " AND ") + there[i] + (keys[i].null_meets_null ? " IS NOT DISTINCT FROM " : " = ") + name;
    if (!are_few) continue;
    add_to(each.query, here[i] + " AS " + name);
    each.schema.push_back({name, type_to_sql(keys[i].key->GetReturnType())});
  }
  if (are_few) {
    each.query = "SELECT DISTINCT " + each.query + " FROM {0}";
  } else {
    const std::uint64_t blocks = bloom::blocks_for(static_cast<std::uint64_t>(distinct));
    each.query = "SELECT millpond_bloom(millpond_hash(" + hashed_here + "), " + std::to_string(blocks) + ") AS f FROM {0}";
    each.schema = {{"f", "BLOB"}};
    each.divisible = {0};
  }
  together.kind = CutStep::Kind::kGather;
  together.from = {add(std::move(each))};
  together.reason = are_few ? "the few keys of a join's other side" : "a Bloom filter of the keys of a join's other side";
  std::size_t filter = add(std::move(together));
  if (!are_few) {
    CutStep all;
    all.kind = CutStep::Kind::kQuery;
    all.from = {filter};
    all.query = "SELECT millpond_bloom_merge(f) AS f FROM {0}";
    all.schema = {{"f", "BLOB"}};
    filter = add(std::move(all));
  }
  kept.from = {emit(other, extra), filter};
  for (std::size_t i = 0; i < other.types.size(); ++i) {
    add_to(kept.query, numbered('c', i));
    kept.schema.push_back({numbered('c', i), type_to_sql(other.types[i])});
  }
  kept.query = "SELECT " + kept.query + " FROM {0} " +
               (are_few ? "SEMI JOIN {1} ON " + meets
                        : "WHERE millpond_bloom_contains((SELECT millpond_bloom_open(f) FROM {1}), millpond_hash(" + hashed_there + "))");
  kept.divisible = {0};
  set_source(other, add(std::move(kept)));
}

}  // namespace millpond
