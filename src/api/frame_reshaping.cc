// Windows, pivots, samples and what else a frame can be made into by one query: over all rows, or in each partition.

#include <algorithm>
#include <utility>

#include "api/frames.h"
#include "base/quote.h"
#include "data/schema.h"

namespace millpond {
namespace {

std::string joined(const std::vector<std::string>& items, const std::string& between = ", ") {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) text += (i == 0 ? "" : between) + items[i];
  return text;
}

std::vector<std::string> quoted(const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const std::string& name : names) all.push_back(quote_identifier(name));
  return all;
}

Status check_names(const std::string& operation, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto same = [&](const std::string& other) { return same_column_name(other, names[i]); };
    if (std::none_of(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), same)) continue;
    return Status::invalid_argument(operation + " gives two columns \"" + names[i] + "\"",
                                    "choose other names, or rename the columns first");
  }
  return Status::ok();
}

/// The columns by the schema's own names.
Result<std::vector<std::string>> columns_of(const Schema& schema, const std::vector<std::string>& names) {
  std::vector<std::string> columns;
  for (const std::string& name : names) {
    const int at = find_column(schema, name);
    if (at < 0) return no_such_column(schema, name);
    columns.push_back(schema[static_cast<std::size_t>(at)].name);
  }
  return columns;
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& other) { return same_column_name(other, name); });
}

std::vector<std::string> others_of(const Schema& schema, const std::vector<std::string>& names) {
  std::vector<std::string> others;
  for (const Column& column : schema) {
    if (!holds(names, column.name)) others.push_back(column.name);
  }
  return others;
}

/// All columns of the schema, those with a text of their own as that.
std::string replaced(const Schema& schema, std::vector<std::pair<std::string, std::string>> texts, bool has_names) {
  std::vector<std::string> items;
  for (const Column& column : schema) {
    const auto own = std::find_if(texts.begin(), texts.end(),
                                  [&](const auto& text) { return same_column_name(text.first, column.name); });
    if (own == texts.end()) {
      items.push_back(quote_identifier(column.name));
      continue;
    }
    items.push_back(own->second + (has_names ? "\n AS " + quote_identifier(column.name) : ""));
    texts.erase(own);
  }
  for (const auto& [name, text] : texts) items.push_back(text + "\n AS " + quote_identifier(name));
  return joined(items);
}

/// A list or ARRAY column as a list. An ARRAY has a length between its last brackets.
std::string as_list(const std::string& column, const std::string& type) {
  return "CAST(" + quote_identifier(column) + " AS " + type.substr(0, type.rfind('[')) + "[])";
}

std::string free_name(std::string name, const Schema& schema) {
  while (find_column(schema, name) >= 0) name += '_';
  return name;
}

/// Runs what makes a frame, and says where and in which word of the user's it failed.
template <typename Make>
Result<DataFrame> made(const FrameContext& context, const Make& make) {
  Result<DataFrame> frame = make();
  if (!frame.is_ok()) return context.fail(frame.status());
  return frame;
}

Result<std::string> asof_query(const Schema& left, const Schema& right, const AsofJoinOptions& options) {
  if (options.strategy != "backward" && options.strategy != "forward") {
    return Status::invalid_argument("strategy = \"" + options.strategy + "\" is not known", "choose \"backward\" or \"forward\"");
  }
  if (options.left_on.empty() || options.right_on.empty()) {
    return Status::invalid_argument("join_asof was not told what to compare", "give left_on and right_on");
  }
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<std::string> left_by, columns_of(left, options.by));
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<std::string> right_by, columns_of(right, options.by));
  // What is compared is a column of its side alone, whatever the other side's columns are called.
  Schema both = left;
  both.insert(both.end(), right.begin(), right.end());
  const std::string key = quote_identifier(free_name("key", both));
  const auto side = [&](const char* name, const std::string& compared) {
    const std::string table = quote_identifier(name);
    return "(SELECT *, (" + compared + "\n) AS " + key + " FROM " + table + ") AS " + table;
  };
  std::vector<std::string> tests;
  for (std::size_t i = 0; i < left_by.size(); ++i) {
    tests.push_back("\"left\"." + quote_identifier(left_by[i]) + " = \"right\"." + quote_identifier(right_by[i]));
  }
  const std::string compare = std::string(options.strategy == "backward" ? ">" : "<") + (options.allow_exact_matches ? "=" : "");
  tests.push_back("\"left\"." + key + " " + compare + " \"right\"." + key);
  std::vector<std::string> items;
  std::vector<std::string> names;
  for (const Column& column : left) {
    items.push_back("\"left\"." + quote_identifier(column.name));
    names.push_back(column.name);
  }
  for (const Column& column : right) {
    if (holds(right_by, column.name)) continue;
    names.push_back(find_column(left, column.name) < 0 ? column.name : column.name + options.suffix);
    items.push_back("\"right\"." + quote_identifier(column.name) + " AS " + quote_identifier(names.back()));
  }
  MILLPOND_RETURN_IF_ERROR(check_names("join_asof", names));
  return "SELECT " + joined(items) + " FROM " + side("left", options.left_on) + " ASOF LEFT JOIN " +
         side("right", options.right_on) + " ON " + joined(tests, " AND ");
}

}  // namespace

Result<DataFrame> DataFrame::join_asof(const DataFrame& other, const AsofJoinOptions& options, const std::string& location) const {
  return made({session_, "join_asof", location}, [&]() -> Result<DataFrame> {
    MILLPOND_ASSIGN_OR_RETURN(const Schema left, resolve_schema());
    MILLPOND_ASSIGN_OR_RETURN(const Schema right, other.resolve_schema());
    MILLPOND_ASSIGN_OR_RETURN(const std::string query, asof_query(left, right, options));
    return session_->sql(query, {{"left", *this}, {"right", other}}, {}, location);
  });
}

Result<DataFrame> DataFrame::with_window(const std::vector<std::pair<std::string, std::string>>& columns,
                                         const std::string& location) const {
  return made({session_, "with_window", location}, [&]() -> Result<DataFrame> {
    if (columns.empty()) {
      return Status::invalid_argument("with_window was given no expression", "such as {\"n\", \"count(*) OVER ()\"}");
    }
    std::vector<std::string> names;
    for (const auto& column : columns) names.push_back(column.first);
    MILLPOND_RETURN_IF_ERROR(check_names("with_window", names));
    MILLPOND_ASSIGN_OR_RETURN(const Schema schema, resolve_schema());
    return session_->sql("SELECT " + replaced(schema, columns, true) + " FROM this", {{"this", *this}}, {}, location);
  });
}

Result<DataFrame> DataFrame::pivot(const PivotOptions& options, const std::string& location) const {
  return made({session_, "pivot", location}, [&]() -> Result<DataFrame> {
    if (options.on.empty() || options.value.empty() || options.aggregate.empty() || options.columns.empty()) {
      return Status::invalid_argument("pivot was not told all", "give on, value, aggregate and columns");
    }
    std::vector<std::string> items = options.index;
    std::vector<std::string> places;
    for (std::size_t i = 1; i <= items.size(); ++i) places.push_back(std::to_string(i));
    std::vector<std::string> names;
    for (const auto& [name, value] : options.columns) {
      names.push_back(name);
      const std::string test = "(" + options.on + "\n) IS NOT DISTINCT FROM (" + value + "\n)";
      items.push_back(quote_identifier(options.aggregate) + "(" + options.value + "\n) FILTER (WHERE " + test + ") AS " +
                      quote_identifier(name));
    }
    MILLPOND_RETURN_IF_ERROR(check_names("pivot", names));
    return session_->sql("SELECT " + joined(items) + " FROM this GROUP BY " + (places.empty() ? "()" : joined(places)),
                         {{"this", *this}}, {}, location);
  });
}

Result<DataFrame> DataFrame::unpivot(const UnpivotOptions& options, const std::string& location) const {
  const FrameContext context{session_, "unpivot", location};
  return made(context, [&]() -> Result<DataFrame> {
    MILLPOND_ASSIGN_OR_RETURN(const Schema schema, resolve_schema());
    MILLPOND_ASSIGN_OR_RETURN(std::vector<std::string> on, columns_of(schema, options.on));
    MILLPOND_ASSIGN_OR_RETURN(std::vector<std::string> index, columns_of(schema, options.index));
    if (on.empty()) {
      on = others_of(schema, index);
    } else if (index.empty()) {
      index = others_of(schema, on);
    }
    if (on.empty()) return Status::invalid_argument("unpivot has no columns to make rows of", "give on");
    std::vector<std::string> columns = index;
    columns.insert(columns.end(), on.begin(), on.end());
    MILLPOND_RETURN_IF_ERROR(check_names("unpivot", columns));
    std::vector<std::string> names = index;
    names.insert(names.end(), {options.variable_name, options.value_name});
    MILLPOND_RETURN_IF_ERROR(check_names("unpivot", names));
    const std::string query = "SELECT " + joined(quoted(names)) + " FROM (SELECT " + joined(quoted(columns)) +
                              " FROM {0}) UNPIVOT INCLUDE NULLS (" + quote_identifier(options.value_name) + " FOR " +
                              quote_identifier(options.variable_name) + " IN (" + joined(quoted(on)) + "))";
    return make_partial_sql(context, query, {node_}, false);
  });
}

Result<DataFrame> DataFrame::unnest(const std::vector<std::string>& columns, const std::string& location) const {
  const FrameContext context{session_, "unnest", location};
  return made(context, [&]() -> Result<DataFrame> {
    MILLPOND_ASSIGN_OR_RETURN(const Schema schema, resolve_schema());
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<std::string> chosen, columns_of(schema, columns));
    if (chosen.empty()) return Status::invalid_argument("unnest was given no column");
    std::vector<std::pair<std::string, std::string>> texts;
    for (const std::string& name : chosen) {
      const std::string& type = schema[static_cast<std::size_t>(find_column(schema, name))].type;
      const bool is_list = type.ends_with("]");
      if (!is_list && !type.starts_with("STRUCT")) {
        return Status::invalid_argument("unnest takes lists and structs, and the column \"" + name + "\" is " + type);
      }
      const std::string own = quote_identifier(name);
      texts.emplace_back(name, is_list ? "unnest(" + as_list(name, type) + ") AS " + own : "unnest(" + own + ")");
    }
    return make_partial_sql(context, "SELECT " + replaced(schema, texts, false) + " FROM {0}", {node_}, false);
  });
}

Result<DataFrame> DataFrame::explode(const std::vector<std::string>& columns, const std::string& location) const {
  const FrameContext context{session_, "explode", location};
  return made(context, [&]() -> Result<DataFrame> {
    MILLPOND_ASSIGN_OR_RETURN(const Schema schema, resolve_schema());
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<std::string> chosen, columns_of(schema, columns));
    if (chosen.empty()) return Status::invalid_argument("explode was given no column");
    std::vector<std::pair<std::string, std::string>> texts;
    for (const std::string& name : chosen) {
      const std::string& type = schema[static_cast<std::size_t>(find_column(schema, name))].type;
      if (!type.ends_with("]")) {
        return Status::invalid_argument("explode takes lists, and the column \"" + name + "\" is " + type);
      }
      const std::string list = as_list(name, type);
      texts.emplace_back(name, "unnest(CASE WHEN len(" + list + ") > 0 THEN " + list + " ELSE [NULL] END)");
    }
    return make_partial_sql(context, "SELECT " + replaced(schema, texts, true) + " FROM {0}", {node_}, false);
  });
}

Result<DataFrame> DataFrame::sample(const SampleOptions& options, const std::string& location) const {
  return made({session_, "sample", location}, [&]() -> Result<DataFrame> {
    if ((options.n >= 0) == (options.fraction >= 0)) {
      return Status::invalid_argument("sample takes either n or fraction", "such as n = 100, or fraction = 0.1");
    }
    if (options.fraction > 1) return Status::invalid_argument("fraction is above 1");
    MILLPOND_ASSIGN_OR_RETURN(const Schema schema, resolve_schema());
    // DuckDB's own samples depend on threads, even with a seed. The number of a row doesn't.
    const std::string number = free_name("number", schema);
    const std::string hash = "hash(" + number + ", " + std::to_string(options.seed) + ")";
    std::string choice = "ORDER BY " + hash + " LIMIT " + std::to_string(options.n);
    if (options.n < 0) {
      const double bound = options.fraction * 18446744073709551616.0;
      choice = options.fraction >= 1 ? "" : "WHERE " + hash + " < " + std::to_string(static_cast<std::uint64_t>(bound)) + "::UBIGINT";
    }
    const std::string rows = "(SELECT *, row_number() OVER () AS " + number + " FROM this)";
    return session_->sql("SELECT * EXCLUDE (" + number + ") FROM " + rows + " " + choice, {{"this", *this}}, {}, location);
  });
}

Result<DataFrame> DataFrame::value_counts(const std::string& column, const std::string& name, const std::string& location) const {
  return made({session_, "value_counts", location}, [&]() -> Result<DataFrame> {
    MILLPOND_ASSIGN_OR_RETURN(const Schema schema, resolve_schema());
    const bool is_column = find_column(schema, column) >= 0;
    if (is_column) MILLPOND_RETURN_IF_ERROR(check_names("value_counts", {column, name}));
    return session_->sql("SELECT " + (is_column ? quote_identifier(column) : column) + "\n, count(*) AS " + quote_identifier(name) +
                             " FROM this GROUP BY 1 ORDER BY 2 DESC, 1",
                         {{"this", *this}}, {}, location);
  });
}

Result<DataFrame> DataFrame::summarize(const std::string& location) const {
  return made({session_, "summarize", location},
              [&] { return session_->sql("SELECT * FROM (SUMMARIZE this)", {{"this", *this}}, {}, location); });
}

Result<DataFrame> DataFrame::fill_null(const std::vector<std::pair<std::string, std::string>>& values, const std::string& location) const {
  const FrameContext context{session_, "fill_null", location};
  return made(context, [&]() -> Result<DataFrame> {
    MILLPOND_ASSIGN_OR_RETURN(const Schema schema, resolve_schema());
    std::vector<std::pair<std::string, std::string>> texts;
    for (const auto& [name, value] : values) {
      MILLPOND_ASSIGN_OR_RETURN(const std::vector<std::string> column, columns_of(schema, {name}));
      texts.emplace_back(name, "coalesce(" + quote_identifier(column.front()) + ", " + value + "\n)");
    }
    return make_partial_sql(context, "SELECT " + replaced(schema, texts, true) + " FROM {0}", {node_}, false);
  });
}

Result<DataFrame> DataFrame::drop_nulls(const std::vector<std::string>& subset, const std::string& location) const {
  const FrameContext context{session_, "drop_nulls", location};
  return made(context, [&]() -> Result<DataFrame> {
    MILLPOND_ASSIGN_OR_RETURN(const Schema schema, resolve_schema());
    MILLPOND_ASSIGN_OR_RETURN(std::vector<std::string> columns, columns_of(schema, subset));
    if (columns.empty()) columns = others_of(schema, {});
    std::vector<std::string> tests;
    for (const std::string& name : columns) tests.push_back(quote_identifier(name) + " IS NOT NULL");
    return make_partial_sql(context, "SELECT * FROM {0} WHERE " + joined(tests, " AND "), {node_}, false);
  });
}

}  // namespace millpond
