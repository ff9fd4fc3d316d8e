#include <cstdint>

#include "storage/glob.h"

namespace millpond {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t size = 1;
};

// The UTF-8 character at `at`; a byte that begins none stands for itself, beyond all real characters.
Character character_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t size = lead < 0x80                   ? 1
                           : lead >= 0xf0 && lead < 0xf8 ? 4
                           : lead >= 0xe0 && lead < 0xf0 ? 3
                           : lead >= 0xc2 && lead < 0xe0 ? 2
                                                         : 0;
  if (size == 1) return {lead, 1};
  if (size == 0 || at + size > text.size()) return {0x110000U + lead, 1};
  std::uint32_t code = lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xc0) != 0x80) return {0x110000U + lead, 1};
    code = (code << 6) | (next & 0x3fU);
  }
  return {code, size};
}

// Where the set that opens at `at` closes; npos: nowhere, the bracket is a plain character. "]" may come first in a
// set.
std::size_t set_end(std::string_view pattern, std::size_t at) {
  std::size_t first = at + 1;
  if (first < pattern.size() && pattern[first] == '!') ++first;
  return pattern.find(']', first + 1);
}

// Whether `code` is in the set without its brackets, "a-z_" or "!0-9".
bool set_contains(std::string_view set, std::uint32_t code) {
  const bool is_negated = !set.empty() && set[0] == '!';
  bool is_found = false;
  for (std::size_t i = is_negated ? 1 : 0; i < set.size();) {
    const Character low = character_at(set, i);
    i += low.size;
    std::uint32_t high = low.code;
    if (i + 1 < set.size() && set[i] == '-') {
      const Character end = character_at(set, i + 1);
      high = end.code;
      i += 1 + end.size;
    }
    is_found = is_found || (low.code <= code && code <= high);
  }
  return is_found != is_negated;
}

// How many bytes of the pattern at `at` match the character, 0 for none. Not for '*'.
std::size_t match_one(std::string_view pattern, std::size_t at, Character character) {
  if (pattern[at] == '?') return 1;
  if (pattern[at] == '[') {
    const std::size_t end = set_end(pattern, at);
    if (end != std::string_view::npos) {
      return set_contains(pattern.substr(at + 1, end - at - 1), character.code) ? end - at + 1 : 0;
    }
  }
  const Character wanted = character_at(pattern, at);
  return wanted.code == character.code ? wanted.size : 0;
}

}  // namespace

bool is_pattern(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

bool matches_name(std::string_view pattern, std::string_view name) {
  if (!name.empty() && name[0] == '.' && (pattern.empty() || pattern[0] != '.')) return false;
  std::size_t p = 0, n = 0;
  // Where to go on when the last star has to take one character more. Earlier stars never need to: linear in practice.
  std::size_t star = std::string_view::npos, star_name = 0;
  while (n < name.size()) {
    const Character character = character_at(name, n);
    const std::size_t matched = p < pattern.size() && pattern[p] != '*' ? match_one(pattern, p, character) : 0;
    if (matched > 0) {
      p += matched;
      n += character.size;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      star_name += character_at(name, star_name).size;
      n = star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace millpond
