// A cut-off part of a plan as the SQL of a step.

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/quote.h"
#include "duckdb/common/exception.hpp"
#include "duckdb/common/type_visitor.hpp"
#include "duckdb/parser/common_table_expression_info.hpp"
#include "duckdb/parser/parser.hpp"
#include "duckdb/parser/query_node.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/planner/expression/bound_columnref_expression.hpp"
#include "duckdb/planner/logical_operator_visitor.hpp"
#include "duckdb/planner/logical_plan_sql_exporter.hpp"
#include "duckdb/planner/operator/logical_projection.hpp"
#include "sql/arrow_export.h"
#include "sql/cut/cutter.h"
#include "sql/partition_hash.h"

namespace millpond {
namespace {

using duckdb::LogicalOperator;

std::vector<std::string> all_numbered(char letter, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(numbered(letter, i));
  return names;
}

duckdb::unique_ptr<duckdb::QueryNode> parse_query(duckdb::ClientContext& context, const std::string& sql) {
  duckdb::Parser parser(context);
  parser.ParseQuery(sql);
  return std::move(parser.statements.at(0)->Cast<duckdb::SelectStatement>().node);
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// `text` with each prefix0, prefix1 … as {0}, {1} …. The prefix stands nowhere else.
std::string with_placeholders(const std::string& text, const std::string& prefix) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t found = text.find(prefix, at);
    if (found == std::string::npos) return out + text.substr(at);
    out += text.substr(at, found - at) + "{";
    for (at = found + prefix.size(); at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0; ++at) out += text[at];
    out += "}";
    if (at < text.size() && is_word(text[at])) throw duckdb::InternalException("a source's name is part of another");
  }
  return out;
}

// An operator that stands over another for a moment, without owning it.
class Above {
 public:
  Above(LogicalOperator& top, LogicalOperator& below) : top_(top) {
    top_.children.push_back(duckdb::unique_ptr<LogicalOperator>(&below));
  }
  ~Above() { (void)top_.children.front().release(); }
  Above(const Above&) = delete;
  Above& operator=(const Above&) = delete;

 private:
  LogicalOperator& top_;
};

}  // namespace

std::string numbered(char letter, std::size_t number) { return std::string(1, letter).append(std::to_string(number)); }

const duckdb::ColumnBinding* column_of(const duckdb::Expression& expression) {
  if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF) return nullptr;
  return &expression.Cast<duckdb::BoundColumnRefExpression>().Binding();
}

void Cutter::collect_sources(LogicalOperator& op, std::vector<LogicalOperator*>& found) const {
  if (sources_.contains(&op)) {
    found.push_back(&op);
    return;
  }
  for (auto& child : op.children) collect_sources(*child, found);
}

std::string Cutter::export_sql(LogicalOperator& op, const std::vector<std::string>& names, std::vector<std::size_t>& from) {
  std::vector<LogicalOperator*> cuts;
  collect_sources(op, cuts);
  duckdb::vector<duckdb::LogicalPlanSQLExportReplacement> replacements;
  const auto select = [&](const Source& source) {
    const auto known = std::find(from.begin(), from.end(), source.step);
    const std::size_t number = static_cast<std::size_t>(known - from.begin());
    if (known == from.end()) from.push_back(source.step);
    std::string columns;
    for (const std::string& column : source.columns) columns += (columns.empty() ? "" : ", ") + column;
    return "SELECT " + (columns.empty() ? "1" : columns) + " FROM " + source_prefix_ + std::to_string(number);
  };
  for (LogicalOperator* cut : cuts) {
    const auto bindings = cut->GetColumnBindings();
    duckdb::LogicalPlanSQLExportRelation relation;
    relation.query = parse_query(context_, select(sources_.at(cut)));
    for (std::size_t i = 0; i < bindings.size(); ++i) relation.fields.push_back({bindings[i], cut->types[i], {}});
    replacements.push_back({*cut, std::move(relation)});
  }
  duckdb::LogicalPlanSQLExportOptions options;
  options.output_names.emplace();
  for (const std::string& name : names) options.output_names->emplace_back(name);
  auto exported = duckdb::LogicalPlanSQLExporter::ExportWithSources(context_, op, replacements, options);
  if (exported.HasError()) throw duckdb::NotImplementedException("%s", exported.GetIssues().at(0).message);
  // Each source is read at one place, so there is nothing to gain from holding its rows.
  duckdb::QueryNode& node = *exported.GetValue().query;
  for (auto& entry : node.cte_map.map) {
    if (entry.second->query_node->ToString().find(" FROM " + source_prefix_) == std::string::npos) continue;
    entry.second->materialized = duckdb::CTEMaterialize::CTE_MATERIALIZE_NEVER;
  }
  return with_placeholders(node.ToString(), source_prefix_);
}

bool Cutter::is_volatile(LogicalOperator& op) const {
  if (sources_.contains(&op)) return false;
  // What is no input of ours may be another the next time.
  bool found = op.type == duckdb::LogicalOperatorType::LOGICAL_GET;
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(op, [&](duckdb::unique_ptr<duckdb::Expression>* expression) {
    found = found || (*expression)->IsVolatile() || !(*expression)->IsConsistent();
  });
  return found || std::any_of(op.children.begin(), op.children.end(), [&](auto& child) { return is_volatile(*child); });
}

std::size_t Cutter::emit_named(LogicalOperator& op, const std::vector<std::string>& names) {
  CutStep step;
  step.kind = CutStep::Kind::kQuery;
  step.query = export_sql(op, names, step.from);
  for (std::size_t i = 0; i < names.size(); ++i) step.schema.push_back({names[i], type_to_sql(op.types[i])});
  std::vector<LogicalOperator*> all;
  collect_sources(op, all);
  for (const LogicalOperator* source : divisible_sources(op)) {
    const std::size_t read = sources_.at(source).step;
    const auto reads_it = [&](const LogicalOperator* other) { return sources_.at(other).step == read; };
    // A part beside itself is not the whole.
    if (std::count_if(all.begin(), all.end(), reads_it) > 1) continue;
    step.divisible.push_back(static_cast<std::size_t>(std::find(step.from.begin(), step.from.end(), read) - step.from.begin()));
  }
  step.is_volatile = is_volatile(op);
  return add(std::move(step));
}

void refuse_collation(const duckdb::LogicalType& type) {
  const bool is_collated = duckdb::TypeVisitor::Contains(type, [](const duckdb::LogicalType& inner) {
    return inner.id() == duckdb::LogicalTypeId::VARCHAR && !duckdb::StringType::GetCollation(inner).empty();
  });
  if (is_collated) throw duckdb::NotImplementedException("a column with a collation moves between steps");
}

std::size_t Cutter::emit(LogicalOperator& op, const std::vector<const duckdb::Expression*>& extra) {
  for (const auto& type : op.types) refuse_collation(type);
  const auto bindings = op.GetColumnBindings();
  std::vector<std::string> names = all_numbered('c', bindings.size());
  if (const auto source = sources_.find(&op); extra.empty() && source != sources_.end()) {
    // A step of just these columns stands there already.
    const CutStep& step = plan_.steps[source->second.step];
    if (step.kind == CutStep::Kind::kQuery && source->second.columns == names) return source->second.step;
  }
  if (extra.empty()) return emit_named(op, names);
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> columns;
  for (std::size_t i = 0; i < bindings.size(); ++i) {
    columns.push_back(duckdb::make_uniq<duckdb::BoundColumnRefExpression>(op.types[i], bindings[i]));
  }
  for (const duckdb::Expression* expression : extra) columns.push_back(expression->Copy());
  for (const std::string& name : all_numbered('k', extra.size())) names.push_back(name);
  duckdb::LogicalProjection projection(binder_.GenerateTableIndex(), std::move(columns));
  const Above above(projection, op);
  projection.ResolveOperatorTypes();
  return emit_named(projection, names);
}

std::size_t Cutter::add(CutStep step) {
  ids_.push_back(id_of(step));
  plan_.steps.push_back(std::move(step));
  return plan_.steps.size() - 1;
}

void Cutter::set_source(LogicalOperator& op, std::size_t step) {
  set_source(op, Source{step, all_numbered('c', op.GetColumnBindings().size())});
}

std::size_t Cutter::cut_off(LogicalOperator& op) {
  const std::size_t step = emit(op);
  set_source(op, step);
  return step;
}

Spread Cutter::gather(LogicalOperator& op, const Spread& spread, const std::string& reason) {
  if (spread.is_single) return spread;
  CutStep step;
  step.kind = CutStep::Kind::kGather;
  step.from = {emit(op)};
  step.reason = reason;
  set_source(op, add(std::move(step)));
  return {};
}

std::vector<std::string> Cutter::key_columns(LogicalOperator& op, const std::vector<const duckdb::Expression*>& keys,
                                             std::vector<const duckdb::Expression*>& extra) {
  const auto bindings = op.GetColumnBindings();
  std::vector<std::string> names;
  for (const duckdb::Expression* key : keys) {
    const auto* column = column_of(*key);
    const auto at = column == nullptr ? bindings.end() : std::find(bindings.begin(), bindings.end(), *column);
    if (at != bindings.end()) {
      names.push_back(numbered('c', static_cast<std::size_t>(at - bindings.begin())));
    } else {
      names.push_back(numbered('k', extra.size()));
      extra.push_back(key);
    }
  }
  return names;
}

Spread Cutter::deal(LogicalOperator& op, const Spread& spread, const std::vector<const duckdb::Expression*>& keys) {
  // Computed once for the placement and again above it, such a key would be two different ones.
  if (std::any_of(keys.begin(), keys.end(), is_volatile_key)) return gather(op, spread, "a key that is another each time");
  // Rows that are equal in all keys are equal in those that have a hash; how the rows then lie is forgotten.
  const auto is_hashed = [](const duckdb::Expression* key) { return can_partition_by(key->GetReturnType()); };
  if (!std::all_of(keys.begin(), keys.end(), is_hashed)) {
    std::vector<const duckdb::Expression*> hashed;
    std::copy_if(keys.begin(), keys.end(), std::back_inserter(hashed), is_hashed);
    if (hashed.empty()) return gather(op, spread, "a key of a type that has no hash");
    Spread result = deal(op, spread, hashed);
    result.keys.clear();
    return result;
  }
  Spread result;
  result.is_single = false;
  for (const duckdb::Expression* key : keys) {
    result.keys.emplace_back();
    if (const auto* column = column_of(*key)) result.keys.back().push_back(*column);
  }
  const bool is_dealt = !spread.is_single && spread.placement.empty() && spread.keys.size() == keys.size() &&
                        std::equal(keys.begin(), keys.end(), spread.keys.begin(), [](const auto* key, const auto& columns) {
                          const auto* column = column_of(*key);
                          return column != nullptr && std::find(columns.begin(), columns.end(), *column) != columns.end();
                        });
  if (is_dealt) return spread;
  CutStep step;
  step.kind = CutStep::Kind::kHash;
  std::vector<const duckdb::Expression*> extra;
  step.keys = key_columns(op, keys, extra);
  step.from = {emit(op, extra)};
  set_source(op, add(std::move(step)));
  return result;
}

}  // namespace millpond
