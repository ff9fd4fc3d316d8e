#include "sql/cut/unread_files.h"

#include <utility>

#include "data/schema.h"
#include "duckdb/planner/filter/expression_filter.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/planner.hpp"
#include "duckdb/storage/statistics/base_statistics.hpp"
#include "duckdb/storage/statistics/string_stats.hpp"
#include "sql/bind_input.h"
#include "sql/bound_query.h"
#include "sql/database.h"
#include "sql/errors.h"

namespace millpond {
namespace {

using Statistics = duckdb::unique_ptr<duckdb::BaseStatistics>;

// What DuckDB keeps of values between these; nothing where the texts are no values of the type.
Statistics statistics_of(const ColumnBounds& bounds, const duckdb::LogicalType& type) {
  if (!bounds.may_have_value) {
    auto statistics = duckdb::BaseStatistics::CreateEmpty(type);
    statistics.Set(duckdb::StatsInfo::CANNOT_HAVE_VALID_VALUES);
    statistics.Set(duckdb::StatsInfo::CAN_HAVE_NULL_VALUES);
    return statistics.ToUnique();
  }
  auto statistics = duckdb::BaseStatistics::CreateUnknown(type);
  if (bounds.least && bounds.greatest) {
    const auto least = duckdb::Value(*bounds.least).DefaultTryCastAs(type, nullptr, true);
    const auto greatest = duckdb::Value(*bounds.greatest).DefaultTryCastAs(type, nullptr, true);
    if (!least || !greatest) return nullptr;
    statistics = duckdb::BaseStatistics::FromConstant(*least);
    statistics.Merge(duckdb::BaseStatistics::FromConstant(*greatest));
    if (type.InternalType() == duckdb::PhysicalType::VARCHAR) {
      // Values between them may be longer, and of other characters.
      duckdb::StringStats::ResetMaxStringLength(statistics);
      duckdb::StringStats::SetContainsUnicode(statistics);
    }
  }
  statistics.Set(bounds.may_be_null ? duckdb::StatsInfo::CAN_HAVE_NULL_AND_VALID_VALUES : duckdb::StatsInfo::CANNOT_HAVE_NULL_VALUES);
  if (!bounds.may_be_null) statistics.Set(duckdb::StatsInfo::CAN_HAVE_VALID_VALUES);
  return statistics.ToUnique();
}

// One input's files, while the plan's scans of it are looked at.
class Files {
 public:
  Files(duckdb::ClientContext& context, const UnreadFiles::Question& question) : context_(context), question_(question) {
    for (const auto& [path, bounds] : question.bounds->files) unread_.insert(path);
  }

  const std::string& input() const { return question_.input; }
  std::set<std::string> unread() && { return is_scanned_ ? std::move(unread_) : std::set<std::string>(); }

  // A scan reads all files for whose bounds none of its filters fails.
  void look_at(const duckdb::LogicalGet& get) {
    is_scanned_ = true;
    std::erase_if(unread_, [&](const std::string& path) { return passes(get, question_.bounds->files.at(path)); });
  }

 private:
  bool passes(const duckdb::LogicalGet& get, const std::vector<ColumnBounds>& bounds) const {
    for (const auto& entry : get.table_filters) {
      const auto& filter = duckdb::ExpressionFilter::GetExpressionFilter(entry.Filter(), "unread_files");
      const auto& index = get.GetColumnIndex(duckdb::ColumnBinding(get.table_index, entry.GetIndex()));
      if (index.IsVirtualColumn() || index.IsPushdownExtract()) continue;
      const duckdb::idx_t number = index.GetPrimaryIndex();
      const int column = find_column(question_.bounds->columns, get.names[number].GetIdentifierName());
      if (column < 0 || static_cast<std::size_t>(column) >= bounds.size()) continue;
      const Statistics statistics = statistics_of(bounds[static_cast<std::size_t>(column)], get.returned_types[number]);
      if (statistics && filter.CheckStatistics(context_, *statistics) == duckdb::FilterPropagateResult::FILTER_ALWAYS_FALSE) return false;
    }
    return true;
  }

  duckdb::ClientContext& context_;
  const UnreadFiles::Question& question_;
  std::set<std::string> unread_;
  bool is_scanned_ = false;
};

void look_at_scans(const duckdb::LogicalOperator& op, std::vector<Files>& all) {
  if (op.type == duckdb::LogicalOperatorType::LOGICAL_GET) {
    const auto& get = op.Cast<duckdb::LogicalGet>();
    const std::string name = bind_input_name(get.function.GetName().GetIdentifierName(), get.bind_data.get());
    for (Files& files : all) {
      if (files.input() == name) files.look_at(get);
    }
  }
  for (const auto& child : op.children) look_at_scans(*child, all);
}

}  // namespace

UnreadFiles::UnreadFiles(std::shared_ptr<duckdb::DuckDB> database) : database_(std::move(database)) {}
UnreadFiles::~UnreadFiles() = default;

Result<std::unique_ptr<UnreadFiles>> UnreadFiles::open() {
  EngineOptions options;
  options.threads = 1;
  options.planner = true;
  MILLPOND_ASSIGN_OR_RETURN(std::shared_ptr<duckdb::DuckDB> database, open_database(options));
  MILLPOND_RETURN_IF_ERROR(register_bind_input(*database->instance));
  return std::unique_ptr<UnreadFiles>(new UnreadFiles(std::move(database)));
}

Result<std::vector<std::set<std::string>>> UnreadFiles::of(const std::string& query, const std::vector<BoundInput>& inputs,
                                                           const std::vector<Question>& questions) {
  return without_exceptions([&]() -> Result<std::vector<std::set<std::string>>> {
    duckdb::Connection connection(*database_);
    MILLPOND_ASSIGN_OR_RETURN(BoundQuery bound, prepare_planned_query(connection, query, inputs));
    std::vector<std::set<std::string>> unread;
    connection.context->RunFunctionInTransaction([&] {
      duckdb::Planner planner(*connection.context);
      planner.CreatePlan(std::move(bound.statement));
      planner.Optimize();
      std::vector<Files> all;
      for (const Question& question : questions) all.emplace_back(*connection.context, question);
      look_at_scans(*planner.plan, all);
      for (Files& files : all) unread.push_back(std::move(files).unread());
    });
    return unread;
  });
}

}  // namespace millpond
