#include "base/quote.h"

namespace millpond {
namespace {

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (char c : text) {
    out += c;
    if (c == quote) out += quote;
  }
  return out + quote;
}

}  // namespace

std::string quote_identifier(std::string_view name) { return doubled(name, '"'); }

std::string quote_literal(std::string_view text) {
  std::string out;
  std::size_t begin = 0;
  while (true) {
    const std::size_t nul = text.find('\0', begin);
    out += doubled(text.substr(begin, nul == std::string_view::npos ? nul : nul - begin), '\'');
    if (nul == std::string_view::npos) break;
    out += " || chr(0) || ";
    begin = nul + 1;
  }
  return begin == 0 ? out : "(" + out + ")";
}

std::string quote_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const auto& text : texts) out += (out.size() > 1 ? ", " : "") + quote_literal(text);
  return out + "]";
}

}  // namespace millpond
