// Work over all rows of a frame, whatever its partitions: each method is one query for Session::sql.

#include <algorithm>
#include <map>
#include <utility>

#include "api/frames.h"
#include "base/quote.h"
#include "data/schema.h"

namespace millpond {
namespace {

std::string joined(const std::vector<std::string>& items, const std::string& between) {
  std::string text;
  for (const std::string& item : items) text += (&item == &items.front() ? "" : between) + item;
  return text;
}

Result<DataFrame> query_of(const DataFrame& frame, const std::string& query, const std::string& location) {
  return frame.session()->sql(query, {{"this", frame}}, {}, location);
}

Result<DataFrame> query_of(const DataFrame& left, const DataFrame& right, const std::string& query, const std::string& location) {
  return left.session()->sql(query, {{"left", left}, {"right", right}}, {}, location);
}

std::string column_of(const char* side, const std::string& name) { return quote_identifier(side) + "." + quote_identifier(name); }

/// The SELECT of a join, over frames of these columns.
class JoinQuery {
 public:
  JoinQuery(const Schema& left, const Schema& right, const JoinOptions& options) : left_(left), right_(right), options_(options) {}

  Result<std::string> text() const {
    static const std::map<std::string, std::string> kKinds = {{"inner", "INNER"}, {"left", "LEFT"}, {"right", "RIGHT"},
                                                              {"full", "FULL"},   {"semi", "SEMI"}, {"anti", "ANTI"},
                                                              {"cross", "CROSS"}};
    const auto kind = kKinds.find(options_.how);
    if (kind == kKinds.end()) {
      return Status::invalid_argument("how = \"" + options_.how + "\" is no join",
                                      "choose one of inner, left, right, full, semi, anti, cross");
    }
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<std::string> tests, conditions());
    if (tests.empty() != (options_.how == "cross")) {
      return Status::invalid_argument(tests.empty() ? "a join needs `on` or a condition" : "a cross join takes no condition",
                                      "how = \"cross\" gives each row with each");
    }
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<std::string> columns, selected());
    return "SELECT " + joined(columns, ", ") + " FROM \"left\" " + kind->second + " JOIN \"right\"" +
           (tests.empty() ? "" : " ON " + joined(tests, " AND "));
  }

 private:
  Result<std::vector<std::string>> conditions() const {
    std::vector<std::string> tests;
    for (const std::string& key : options_.on) {
      for (const auto& [side, schema] : {std::pair("left", &left_), std::pair("right", &right_)}) {
        if (find_column(*schema, key) < 0) {
          return Status::invalid_argument("the " + std::string(side) + " frame of the join has no column \"" + key + "\"");
        }
      }
      tests.push_back(column_of("left", key) + " = " + column_of("right", key));
    }
    if (!options_.condition.empty()) tests.push_back("(" + options_.condition + "\n)");
    return tests;
  }

  bool is_key(const std::string& name) const {
    return std::any_of(options_.on.begin(), options_.on.end(), [&](const std::string& key) { return same_column_name(key, name); });
  }

  std::string key_value(const std::string& name) const {
    if (options_.how == "right") return column_of("right", name);
    if (options_.how == "full") return "coalesce(" + column_of("left", name) + ", " + column_of("right", name) + ")";
    return column_of("left", name);
  }

  Result<std::vector<std::string>> selected() const {
    std::vector<std::string> columns;
    Schema given;
    for (const Column& column : left_) {
      columns.push_back((is_key(column.name) ? key_value(column.name) : column_of("left", column.name)) + " AS " +
                        quote_identifier(column.name));
      given.push_back(column);
    }
    if (options_.how == "semi" || options_.how == "anti") return columns;
    for (const Column& column : right_) {
      if (is_key(column.name)) continue;
      const std::string name = find_column(left_, column.name) < 0 ? column.name : column.name + options_.suffix;
      if (find_column(given, name) >= 0) {
        return Status::invalid_argument("the join gives two columns \"" + name + "\"",
                                        "choose another suffix than \"" + options_.suffix + "\", or rename the columns first");
      }
      columns.push_back(column_of("right", column.name) + " AS " + quote_identifier(name));
      given.push_back({name, column.type});
    }
    return columns;
  }

  const Schema& left_;
  const Schema& right_;
  const JoinOptions& options_;
};

}  // namespace

Result<DataFrame> DataFrame::join(const DataFrame& other, const JoinOptions& options, const std::string& location) const {
  const FrameContext context{session_, "join", location};
  const auto make = [&]() -> Result<DataFrame> {
    MILLPOND_ASSIGN_OR_RETURN(const Schema left, resolve_schema());
    MILLPOND_ASSIGN_OR_RETURN(const Schema right, other.resolve_schema());
    MILLPOND_ASSIGN_OR_RETURN(const std::string query, JoinQuery(left, right, options).text());
    return query_of(*this, other, query, location);
  };
  Result<DataFrame> frame = make();
  if (!frame.is_ok()) return context.fail(frame.status());
  return frame;
}

Result<DataFrame> DataFrame::aggregate(const std::vector<std::string>& aggregates, const std::vector<std::string>& group_by,
                                       const std::string& location) const {
  std::vector<std::string> items = group_by;
  items.insert(items.end(), aggregates.begin(), aggregates.end());
  const FrameContext context{session_, "aggregate", location};
  if (items.empty()) return context.fail(Status::invalid_argument("aggregate was given no aggregate", "such as \"count(*) AS n\""));
  // Groups by their places in the list, so that an expression is written once and may have a name.
  std::vector<std::string> places;
  for (std::size_t i = 1; i <= group_by.size(); ++i) places.push_back(std::to_string(i));
  const std::string by = places.empty() ? "()" : joined(places, ", ");
  return query_of(*this, "SELECT " + joined(items, ", ") + " FROM this GROUP BY " + by, location);
}

Result<DataFrame> DataFrame::sort(const std::vector<std::string>& by, const std::string& location) const {
  const FrameContext context{session_, "sort", location};
  if (by.empty()) return context.fail(Status::invalid_argument("sort was given no key", "such as \"price DESC\""));
  return query_of(*this, "SELECT * FROM this ORDER BY " + joined(by, ", "), location);
}

Result<DataFrame> DataFrame::top_k(std::int64_t k, const std::string& by, const std::string& location) const {
  const FrameContext context{session_, "top_k", location};
  if (k < 0) return context.fail(Status::invalid_argument("top_k of " + std::to_string(k) + " rows; k must be at least 0"));
  return query_of(*this, "SELECT * FROM this ORDER BY " + by + " DESC NULLS LAST LIMIT " + std::to_string(k), location);
}

Result<DataFrame> DataFrame::distinct(const std::vector<std::string>& subset, const std::string& location) const {
  const std::string on = subset.empty() ? "" : " ON (" + joined(subset, ", ") + ")";
  return query_of(*this, "SELECT DISTINCT" + on + " * FROM this", location);
}

Result<DataFrame> DataFrame::union_by_name(const DataFrame& other, const std::string& location) const {
  return query_of(*this, other, "FROM \"left\" UNION ALL BY NAME FROM \"right\"", location);
}

Result<DataFrame> DataFrame::intersect(const DataFrame& other, const std::string& location) const {
  return query_of(*this, other, "FROM \"left\" INTERSECT FROM \"right\"", location);
}

Result<DataFrame> DataFrame::except_(const DataFrame& other, const std::string& location) const {
  return query_of(*this, other, "FROM \"left\" EXCEPT FROM \"right\"", location);
}

}  // namespace millpond
