#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millpond {

/// The only functions that put foreign text into SQL. Whatever the text holds, DuckDB sees exactly one name or one literal.

/// "a ""b""": always quoted.
std::string quote_identifier(std::string_view name);

/// 'it''s'. A NUL byte, which DuckDB's parser can't take inside a literal, becomes a chr(0) concatenation.
std::string quote_literal(std::string_view text);

/// ['a', 'b']
std::string quote_list(const std::vector<std::string>& texts);

}  // namespace millpond
