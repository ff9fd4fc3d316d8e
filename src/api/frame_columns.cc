#include <algorithm>
#include <cctype>
#include <utility>

#include "api/frames.h"
#include "base/quote.h"
#include "data/schema.h"

namespace millpond {
namespace {

std::string comma_list(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// The frame's columns, computing what is needed to know them.
Result<Schema> columns_of(const DataFrame& frame) { return frame.resolve_schema(); }

/// The position of a column that must be there.
Result<std::size_t> column_at(const Schema& schema, const std::string& name) {
  const int position = find_column(schema, name);
  if (position < 0) return no_such_column(schema, name);
  return static_cast<std::size_t>(position);
}

/// A list of expressions where a string that is a column's exact name means that column, however odd it is.
std::string projection_item(const std::optional<Schema>& schema, const std::string& expression) {
  if (schema) {
    if (const int position = find_column(*schema, expression); position >= 0) {
      return quote_identifier((*schema)[static_cast<std::size_t>(position)].name);
    }
  }
  return expression;
}

/// Whether the text is a whole query and no list of expressions.
bool is_select(const std::string& text) {
  std::string word;
  for (char c : text) {
    if (std::isalpha(static_cast<unsigned char>(c))) {
      word += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    } else if (!word.empty() || !std::isspace(static_cast<unsigned char>(c))) {
      break;
    }
  }
  return word == "SELECT" || word == "WITH" || word == "FROM";
}

}  // namespace

Result<DataFrame> DataFrame::filter(const std::string& condition, const std::string& location) const {
  return make_partial_sql({session_, "filter", location}, "SELECT * FROM {0} WHERE (" + condition + "\n)", {node_}, false);
}

Result<DataFrame> DataFrame::map(const std::string& projection, const std::string& location) const {
  FrameContext context{session_, "map", location};
  if (is_select(projection)) return make_partial_sql(context, projection, {node_}, true);
  Result<DataFrame> frame = make_partial_sql(context, "SELECT " + projection + "\nFROM {0}", {node_}, false);
  if (frame.is_ok() && frame->schema() && frame->schema()->size() == 1 && frame->schema()->front().type == "BOOLEAN") {
    session_->impl().warn("map(\"" + projection + "\") gives a column of true and false; to keep the rows where it is true use filter()",
                          location);
  }
  return frame;
}

Result<DataFrame> DataFrame::partial_sort(const std::vector<std::string>& by, const std::string& location) const {
  FrameContext context{session_, "partial_sort", location};
  if (by.empty()) return context.fail(Status::invalid_argument("partial_sort needs at least one column"));
  std::vector<std::string> keys;
  for (const auto& key : by) keys.push_back(projection_item(node_->schema, key));
  return make_partial_sql(context, "SELECT * FROM {0} ORDER BY " + comma_list(keys), {node_}, false);
}

Result<DataFrame> DataFrame::select(const std::vector<std::string>& expressions, const std::string& location) const {
  FrameContext context{session_, "select", location};
  if (expressions.empty()) return context.fail(Status::invalid_argument("select needs at least one column"));
  std::vector<std::string> items;
  for (const auto& expression : expressions) items.push_back(projection_item(node_->schema, expression));
  return make_partial_sql(context, "SELECT " + comma_list(items) + "\nFROM {0}", {node_}, false);
}

Result<DataFrame> DataFrame::with_columns(const std::vector<std::pair<std::string, std::string>>& columns,
                                          const std::string& location) const {
  FrameContext context{session_, "with_columns", location};
  Result<Schema> schema = columns_of(*this);
  if (!schema.is_ok()) return context.fail(schema.status());
  std::vector<std::string> items;
  for (const Column& column : *schema) {
    auto replaced = std::find_if(columns.begin(), columns.end(),
                                 [&](const auto& pair) { return same_column_name(pair.first, column.name); });
    items.push_back(replaced == columns.end() ? quote_identifier(column.name)
                                              : "(" + replaced->second + "\n) AS " + quote_identifier(column.name));
  }
  for (const auto& [name, expression] : columns) {
    if (find_column(*schema, name) < 0) items.push_back("(" + expression + "\n) AS " + quote_identifier(name));
  }
  return make_partial_sql(context, "SELECT " + comma_list(items) + " FROM {0}", {node_}, false);
}

Result<DataFrame> DataFrame::drop(const std::vector<std::string>& columns, const std::string& location) const {
  FrameContext context{session_, "drop", location};
  Result<Schema> schema = columns_of(*this);
  if (!schema.is_ok()) return context.fail(schema.status());
  std::vector<bool> is_dropped(schema->size(), false);
  for (const auto& name : columns) {
    Result<std::size_t> at = column_at(*schema, name);
    if (!at.is_ok()) return context.fail(at.status());
    is_dropped[*at] = true;
  }
  std::vector<std::string> items;
  for (std::size_t i = 0; i < schema->size(); ++i) {
    if (!is_dropped[i]) items.push_back(quote_identifier((*schema)[i].name));
  }
  if (items.empty()) return context.fail(Status::invalid_argument("drop would leave no column"));
  return make_partial_sql(context, "SELECT " + comma_list(items) + " FROM {0}", {node_}, false);
}

Result<DataFrame> DataFrame::rename(const std::vector<std::pair<std::string, std::string>>& names,
                                    const std::string& location) const {
  FrameContext context{session_, "rename", location};
  Result<Schema> schema = columns_of(*this);
  if (!schema.is_ok()) return context.fail(schema.status());
  std::vector<std::string> renamed;
  for (const Column& column : *schema) renamed.push_back(column.name);
  for (const auto& [from, to] : names) {
    Result<std::size_t> at = column_at(*schema, from);
    if (!at.is_ok()) return context.fail(at.status());
    renamed[*at] = to;
  }
  std::vector<std::string> items;
  for (std::size_t i = 0; i < schema->size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (same_column_name(renamed[i], renamed[j])) {
        return context.fail(Status::invalid_argument("two columns would be called \"" + renamed[i] + "\""));
      }
    }
    items.push_back(quote_identifier((*schema)[i].name) + " AS " + quote_identifier(renamed[i]));
  }
  return make_partial_sql(context, "SELECT " + comma_list(items) + " FROM {0}", {node_}, false);
}

}  // namespace millpond
