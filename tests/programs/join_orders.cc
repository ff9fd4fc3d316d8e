// The join orders that global queries are cut from, beside those of plain DuckDB over views of the same Parquet files. It
// leaves out the optimizer's passes that millpond leaves out: what they do to a plan is not the order of its joins.
//
//   join_orders DATA SUITE MOST
//
// DATA/SUITE holds the tables as Parquet files and queries.json, a list of texts. Prints each query whose orders differ, with
// both, and, last, how many are the same. Exit code 1 when more differ than MOST, or one can't be planned.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "duckdb.hpp"
#include "duckdb/planner/operator/logical_cte.hpp"
#include "duckdb/planner/operator/logical_cteref.hpp"
#include "duckdb/planner/operator/logical_get.hpp"
#include "duckdb/planner/planner.hpp"

#include "base/json.h"
#include "sql/bind_input.h"
#include "sql/bound_query.h"
#include "sql/database.h"
#include "sql/engine.h"
#include "storage/file_system.h"

namespace millpond {
namespace {

/// A plan's joins as text, tables by the name of their first column. What is no join shows only what is below it, and what
/// is computed once for several readers stands at each of them.
class Joins {
 public:
  /// With `sides` as the plan has them; else the order alone, whichever side is built.
  explicit Joins(bool sides) : sides_(sides) {}

  std::string of(const duckdb::LogicalOperator& op) {
    if (op.type == duckdb::LogicalOperatorType::LOGICAL_GET) {
      const auto& get = op.Cast<duckdb::LogicalGet>();
      return get.names.empty() ? "" : get.names.front().GetIdentifierName();
    }
    if (op.type == duckdb::LogicalOperatorType::LOGICAL_CTE_REF) return shared_[op.Cast<duckdb::LogicalCTERef>().cte_index.index];
    if (op.type == duckdb::LogicalOperatorType::LOGICAL_MATERIALIZED_CTE) {
      shared_[op.Cast<duckdb::LogicalCTE>().table_index.index] = of(*op.children[0]);
      return of(*op.children[1]);
    }
    std::vector<std::string> below;
    for (const auto& child : op.children) {
      if (std::string one = of(*child); !one.empty()) below.push_back(std::move(one));
    }
    if (!sides_) std::sort(below.begin(), below.end());
    std::string text;
    for (const std::string& one : below) text += (text.empty() ? "" : " ") + one;
    return below.size() < 2 ? text : "(" + text + ")";
  }

 private:
  const bool sides_;
  std::map<duckdb::idx_t, std::string> shared_;
};

struct Order {
  std::string exact;
  std::string without_sides;
};

/// The joins of a query as DuckDB orders them, over whatever the connection's tables are.
Order order_of(duckdb::Connection& connection, duckdb::unique_ptr<duckdb::SQLStatement> statement) {
  Order order;
  connection.context->RunFunctionInTransaction([&] {
    duckdb::Planner planner(*connection.context);
    planner.CreatePlan(std::move(statement));
    planner.Optimize();
    order = {Joins(true).of(*planner.plan), Joins(false).of(*planner.plan)};
  });
  return order;
}

std::string disabled_passes(duckdb::Connection& connection) {
  const auto result = connection.Query("SELECT current_setting('disabled_optimizers')");
  return result->HasError() ? "" : result->Fetch()->GetValue(0, 0).ToString();
}

struct Suite {
  std::vector<std::string> queries;
  std::vector<BoundInput> inputs;
  std::string views;
};

Suite read_suite(Engine& engine, FileSystem& files, const std::filesystem::path& folder) {
  Suite suite;
  std::ifstream stream(folder / "queries.json");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const Json queries = Json::parse(text).value();
  for (const Json& query : queries.as_array()) suite.queries.push_back(query.as_string());
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".parquet") continue;
    const FileInfo info = files.stat(entry.path()).value();
    FileSlice slice;
    slice.path = info.path;
    slice.size = info.size;
    slice.mtime_ns = info.mtime_ns;
    Engine::FileSet set = engine.describe({slice}, {}, {}).value();
    const std::string name = entry.path().stem();
    BoundInput input{name, set.schema, set.files.front().num_rows, 3};
    input.statistics = engine.column_statistics(set.files, set.options).value();
    suite.inputs.push_back(std::move(input));
    suite.views += "CREATE VIEW " + name + " AS FROM '" + entry.path().string() + "';";
  }
  return suite;
}

int compare(const std::filesystem::path& folder, std::size_t most) {
  const std::shared_ptr<FileSystem> files = local_file_system();
  EngineOptions options;
  options.threads = 1;
  const std::unique_ptr<Engine> reader = Engine::open(options, files).value();
  const Suite suite = read_suite(*reader, *files, folder);
  options.planner = true;
  const std::shared_ptr<duckdb::DuckDB> cutter = open_database(options).value();
  if (!register_bind_input(*cutter->instance).is_ok()) return 1;
  duckdb::Connection planner(*cutter);
  duckdb::DuckDB plain(nullptr);
  duckdb::Connection oracle(plain);
  for (const std::string& statement : {suite.views, "SET disabled_optimizers = '" + disabled_passes(planner) + "'"}) {
    if (const auto done = oracle.Query(statement); done->HasError()) {
      std::cout << done->GetError() << "\n";
      return 1;
    }
  }
  std::size_t same = 0;
  std::size_t exact = 0;
  for (std::size_t i = 0; i < suite.queries.size(); ++i) {
    const std::string& query = suite.queries[i];
    Result<BoundQuery> bound = prepare_planned_query(planner, query, suite.inputs);
    if (!bound.is_ok()) {
      std::cout << i + 1 << " FAILS: " << bound.status().to_string() << "\n";
      return 1;
    }
    const Order ours = order_of(planner, std::move(bound->statement));
    const Order theirs = order_of(oracle, std::move(oracle.ExtractStatements(query).at(0)));
    exact += ours.exact == theirs.exact;
    same += ours.without_sides == theirs.without_sides;
    if (ours.without_sides != theirs.without_sides) {
      std::cout << i + 1 << "\n  millpond " << ours.exact << "\n  DuckDB   " << theirs.exact << "\n";
    }
  }
  std::cout << folder.filename().string() << ": " << same << " of " << suite.queries.size() << " join orders are DuckDB's, " << exact
            << " with the same sides\n";
  return suite.queries.size() - same <= most ? 0 : 1;
}

}  // namespace
}  // namespace millpond

int main(int count, char** arguments) {
  if (count != 4) {
    std::cerr << "usage: join_orders DATA SUITE MOST\n";
    return 2;
  }
  return millpond::compare(std::filesystem::path(arguments[1]) / arguments[2], std::stoul(arguments[3]));
}
