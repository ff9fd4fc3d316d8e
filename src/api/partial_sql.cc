#include <algorithm>
#include <utility>

#include "api/frames.h"
#include "data/schema.h"
#include "sql/placeholders.h"
#include "stage/fragment.h"

namespace millpond {
namespace {


std::vector<std::string> numbered(const std::string& prefix, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(prefix + std::to_string(i));
  return names;
}

/// The statements of the user's text, still with its placeholders. DuckDB's parser takes no placeholders, so names stand in
/// for them meanwhile.
Result<std::vector<std::string>> split_text(Session::Impl& session, const std::string& text, std::size_t num_inputs) {
  const std::string prefix = free_prefix(text, "__millpond_input_");
  // Ends in a letter, so that input 1 is no part of input 10.
  std::vector<std::string> names = numbered(prefix, num_inputs);
  for (auto& name : names) name += 'x';
  MILLPOND_ASSIGN_OR_RETURN(const std::string substituted, substitute(text, names));
  MILLPOND_ASSIGN_OR_RETURN(std::vector<std::string> statements, session.planner().split_statements(substituted));
  for (auto& statement : statements) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string placeholder = "{" + std::to_string(i) + "}";
      for (std::size_t at = statement.find(names[i]); at != std::string::npos; at = statement.find(names[i], at)) {
        statement.replace(at, names[i].size(), placeholder);
      }
    }
  }
  return statements;
}

std::string describe_inputs(const std::vector<NodePtr>& inputs) {
  std::string text;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    text += (i == 0 ? "{" : ", {") + std::to_string(i) + "} has " + partitioning_to_string(inputs[i]->partitioning);
  }
  return text;
}

/// The key columns' names in the result, or nothing when one did not come through.
std::vector<std::string> passed_keys(const std::vector<std::string>& keys, const PartialSqlTraits& traits) {
  std::vector<std::string> names;
  for (const auto& key : keys) {
    auto passed = std::find_if(traits.passed_columns.begin(), traits.passed_columns.end(),
                               [&](const auto& pair) { return same_column_name(pair.first, key); });
    if (passed == traits.passed_columns.end()) return {};
    names.push_back(passed->second);
  }
  return names;
}

/// The keys as they are made of the result's columns, or nothing when a column of theirs did not come through.
std::vector<Partitioning::Key> passed_keys(const std::vector<Partitioning::Key>& keys, const PartialSqlTraits& traits) {
  std::vector<Partitioning::Key> passed;
  for (const auto& key : keys) {
    const std::vector<std::string> names = passed_keys(key.columns, traits);
    if (names.empty()) return {};
    passed.push_back({names == key.columns ? key.text : "", names});
  }
  return passed;
}

/// The order in which the partitions follow each other, as far as its columns came through.
std::vector<Partitioning::Range> passed_ranges(const std::vector<Partitioning::Range>& ranges, const PartialSqlTraits& traits) {
  std::vector<Partitioning::Range> passed;
  for (const auto& range : ranges) {
    const std::vector<std::string> name = passed_keys(std::vector<std::string>{range.column}, traits);
    if (name.empty()) break;
    passed.push_back({name.front(), range.order});
  }
  return passed;
}

/// Whether all rows of a group are in one partition.
bool covers_groups(const Partitioning& partitioning, const PartialSqlTraits& traits) {
  const auto& keys = partitioning.determined_by;
  auto is_grouped = [&](const std::string& column) {
    return std::any_of(traits.group_columns.begin(), traits.group_columns.end(),
                       [&](const std::string& group) { return same_column_name(group, column); });
  };
  return !keys.empty() && std::all_of(keys.begin(), keys.end(), [&](const Partitioning::Key& key) {
    return std::find(traits.group_keys.begin(), traits.group_keys.end(), key.text) != traits.group_keys.end() ||
           std::all_of(key.columns.begin(), key.columns.end(), is_grouped);
  });
}

/// What the query computes in each partition that reads like a global result, or nothing.
std::string uncovered_work(const PartialSqlTraits& traits, const std::vector<NodePtr>& inputs) {
  const Partitioning* partitioned = nullptr;
  for (const auto& input : inputs) {
    if (input->partitioning.count > 1) partitioned = &input->partitioning;
  }
  if (partitioned == nullptr) return {};
  const bool by_value = partitioned->kind == Partitioning::Kind::kHash || !partitioned->determined_by.empty();
  if (traits.has_aggregate && !(by_value && (!traits.is_grouping || covers_groups(*partitioned, traits)))) {
    return "an aggregate";
  }
  if (traits.has_distinct && !by_value) return "a DISTINCT";
  if (traits.has_window && !by_value) return "a window function";
  if (traits.has_order) return "an ORDER BY";
  return {};
}

PartialSqlTraits to_plan(const QueryTraits& traits) {
  PartialSqlTraits plan;
  plan.has_aggregate = traits.has_aggregate;
  plan.has_distinct = traits.has_distinct;
  plan.has_window = traits.has_window;
  plan.has_order = traits.has_order;
  plan.has_limit = traits.has_limit;
  plan.is_volatile = traits.is_volatile;
  plan.is_grouping = traits.is_grouping;
  plan.is_row_wise = traits.is_row_wise;
  plan.group_columns = traits.group_columns;
  plan.group_keys = traits.group_keys;
  plan.passed_columns = traits.passed_columns;
  plan.used_columns = traits.used_columns;
  return plan;
}

/// Whether each partition of `driver` has one partition of `input` that belongs to it.
bool fits(const Partitioning& input, const Partitioning& driver) {
  if (input.count == 1) return true;
  if (input.count == driver.count && input.identity == driver.identity) return true;
  return std::any_of(driver.outer.begin(), driver.outer.end(), [&](const Partitioning::Outer& outer) {
    return outer.count == input.count && outer.identity == input.identity;
  });
}

}  // namespace

Result<Partitioning> partial_partitioning(const std::vector<NodePtr>& inputs, const PartialSqlTraits& traits) {
  const Node* driver = nullptr;
  bool driver_is_first = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]->partitioning.count > (driver == nullptr ? 1 : driver->partitioning.count)) {
      driver = inputs[i].get();
      driver_is_first = i == 0;
    }
  }
  for (const auto& input : inputs) {
    if (driver != nullptr && !fits(input->partitioning, driver->partitioning)) {
      return Status::invalid_argument(
          "the inputs are not partitioned alike: " + describe_inputs(inputs),
          "repartition them by the hash of the same keys into the same number of partitions, bring one of them to one "
          "partition (it is then broadcast), or use sql(), which needs no partitioning");
    }
  }
  if (driver == nullptr) return single_partition();
  Partitioning result = driver->partitioning;
  result.keys = driver_is_first ? passed_keys(result.keys, traits) : std::vector<std::string>{};
  result.determined_by = driver_is_first ? passed_keys(result.determined_by, traits) : std::vector<Partitioning::Key>{};
  result.ranges = driver_is_first ? passed_ranges(result.ranges, traits) : std::vector<Partitioning::Range>{};
  return result;
}

Result<BoundSql> bind_partial_sql(Session::Impl& session, const std::string& query, const std::vector<Schema>& inputs,
                                  const std::vector<std::string>& setup) {
  std::string all = query;
  for (const auto& statement : setup) all += "\n" + statement;
  const std::vector<std::string> names = numbered(free_prefix(all, "in"), inputs.size());
  MILLPOND_ASSIGN_OR_RETURN(const std::string text, substitute(query, names));
  std::vector<std::string> setup_texts;
  for (const auto& statement : setup) {
    MILLPOND_ASSIGN_OR_RETURN(std::string setup_text, substitute(statement, names));
    setup_texts.push_back(std::move(setup_text));
  }
  std::vector<BoundInput> bound;
  for (std::size_t i = 0; i < inputs.size(); ++i) bound.push_back({names[i], inputs[i]});
  MILLPOND_ASSIGN_OR_RETURN(InspectedQuery found, session.planner().inspect(text, bound, setup_texts));
  return BoundSql{std::move(found.schema), to_plan(found.traits)};
}

Result<DataFrame> make_partial_sql(const FrameContext& context, const std::string& text,
                                   const std::vector<NodePtr>& inputs, bool is_users_own) {
  auto make = [&]() -> Result<DataFrame> {
    MILLPOND_ASSIGN_OR_RETURN(std::vector<std::string> statements, split_text(context.impl(), text, inputs.size()));
    if (statements.empty()) return Status::invalid_argument("the query is empty");
    PartialSqlOp op;
    op.query = std::move(statements.back());
    statements.pop_back();
    op.setup = std::move(statements);
    std::optional<Schema> schema;
    if (auto schemas = known_schemas(inputs)) {
      MILLPOND_ASSIGN_OR_RETURN(BoundSql bound, bind_partial_sql(context.impl(), op.query, *schemas, op.setup));
      schema = std::move(bound.schema);
      op.traits = std::move(bound.traits);
    }
    MILLPOND_ASSIGN_OR_RETURN(Partitioning partitioning, partial_partitioning(inputs, op.traits));
    if (is_users_own) {
      if (std::string work = uncovered_work(op.traits, inputs); !work.empty()) {
        context.impl().warn(context.name + " computes " + work + " in each of " +
                                std::to_string(partitioning.count) +
                                " partitions on its own; for one global result use sql()",
                            context.location);
      }
    }
    return context.frame(std::move(op), inputs, std::move(schema), std::move(partitioning));
  };
  Result<DataFrame> frame = make();
  if (!frame.is_ok()) return context.fail(frame.status());
  return frame;
}

Result<DataFrame> Session::partial_sql(const std::string& query, const std::vector<DataFrame>& inputs,
                                       const std::string& location) {
  FrameContext context{shared_from_this(), "partial_sql", location};
  std::vector<NodePtr> nodes;
  for (const auto& input : inputs) {
    if (input.session().get() != this) {
      return context.fail(Status::invalid_argument("the frames belong to different sessions"));
    }
    nodes.push_back(input.node());
  }
  return make_partial_sql(context, query, nodes, true);
}

Result<DataFrame> DataFrame::partial_sql(const std::string& query, const std::vector<DataFrame>& others,
                                         const std::string& location) const {
  std::vector<DataFrame> inputs = {*this};
  inputs.insert(inputs.end(), others.begin(), others.end());
  return session_->partial_sql(query, inputs, location);
}

}  // namespace millpond
