#include "sql/placeholders.h"

#include <cctype>
#include <cstddef>
#include <string_view>

namespace millpond {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0; }

/// Where the quoted text that begins at `at` ends (one past it); the end of the text when it does not. A doubled quote goes on;
/// an escape string (E'…') knows the backslash too.
std::size_t end_of_quoted(std::string_view text, std::size_t at, bool knows_backslash) {
  const char quote = text[at];
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (knows_backslash && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (i + 1 >= text.size() || text[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return text.size();
}

/// One past a $tag$ … $tag$ that begins at `at`, or `at` when none does.
std::size_t end_of_dollar_quoted(std::string_view text, std::size_t at) {
  if (at > 0 && is_word(text[at - 1])) return at;
  std::size_t tag_end = at + 1;
  while (tag_end < text.size() && is_word(text[tag_end])) ++tag_end;
  if (tag_end >= text.size() || text[tag_end] != '$' || is_digit(text[at + 1])) return at;
  const std::string_view tag = text.substr(at, tag_end - at + 1);
  const std::size_t close = text.find(tag, tag_end + 1);
  return close == std::string_view::npos ? text.size() : close + tag.size();
}

/// One past a comment that begins at `at`, or `at` when none does. Block comments nest.
std::size_t end_of_comment(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) == "--") {
    const std::size_t line = text.find('\n', at);
    return line == std::string_view::npos ? text.size() : line;
  }
  if (text.substr(at, 2) != "/*") return at;
  int depth = 0;
  std::size_t i = at;
  while (i < text.size()) {
    if (text.substr(i, 2) == "/*") {
      ++depth;
      i += 2;
    } else if (text.substr(i, 2) == "*/") {
      i += 2;
      if (--depth == 0) return i;
    } else {
      ++i;
    }
  }
  return text.size();
}

/// One past what must be left alone at `at`, or `at` when nothing begins there.
std::size_t end_of_protected(std::string_view text, std::size_t at) {
  switch (text[at]) {
    case '\'': {
      const bool escapes = at > 0 && (text[at - 1] == 'e' || text[at - 1] == 'E') && (at == 1 || !is_word(text[at - 2]));
      return end_of_quoted(text, at, escapes);
    }
    case '"': return end_of_quoted(text, at, false);
    case '$': return end_of_dollar_quoted(text, at);
    case '-':
    case '/': return end_of_comment(text, at);
    default: return at;
  }
}

bool has_doubled_braces(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = end_of_protected(text, i);
    if (end > i) {
      i = end;
    } else if (text.substr(i, 2) == "{{") {
      return true;
    } else {
      ++i;
    }
  }
  return false;
}

}  // namespace

Result<std::string> substitute(const std::string& query, const std::vector<std::string>& names) {
  const std::string_view text = query;
  const bool is_doubled = has_doubled_braces(text);
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (const std::size_t end = end_of_protected(text, i); end > i) {
      out += text.substr(i, end - i);
      i = end;
      continue;
    }
    if (is_doubled && (text.substr(i, 2) == "{{" || text.substr(i, 2) == "}}")) {
      out += text[i];
      i += 2;
      continue;
    }
    std::size_t digits = i + 1;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    if (text[i] != '{' || digits == i + 1 || digits >= text.size() || text[digits] != '}') {
      out += text[i++];
      continue;
    }
    const std::string number = query.substr(i + 1, digits - i - 1);
    const std::size_t index = number.size() > 6 ? names.size() : static_cast<std::size_t>(std::stoul(number));
    if (index >= names.size()) {
      return Status::invalid_argument("the query reads {" + number + "} but there " +
                                          (names.size() == 1 ? "is 1 input" : "are " + std::to_string(names.size()) + " inputs"),
                                      "the first input is {0}");
    }
    out += names[index];
    i = digits + 1;
  }
  return out;
}

}  // namespace millpond
