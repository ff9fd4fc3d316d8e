#include "sql/file_literals.h"

#include "base/quote.h"

namespace millpond {

std::string quote_struct(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string out;
  for (const auto& [name, value] : members) {
    out += out.empty() ? "{" : ", ";
    out += quote_literal(name) + ": " + quote_literal(value);
  }
  return out + "}";
}

std::string quote_files(const std::vector<std::string>& paths) {
  std::string out;
  for (const std::string& path : paths) {
    out += out.empty() ? "[" : ", ";
    out += "{'filename': " + quote_literal(path) + "}";
  }
  return out + "]";
}

std::string escape_glob(std::string_view path) {
  std::string out;
  for (char c : path) {
    if (c == '*' || c == '?' || c == '[') {
      out += {'[', c, ']'};
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace millpond
