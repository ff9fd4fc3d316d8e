#include "sql/lines_path.h"

#include <charconv>
#include <system_error>

namespace millpond {
namespace {

constexpr std::string_view kPrefix = "millpond-lines://";

/// Takes a number and the character behind it off `text`.
std::optional<std::int64_t> take_number(std::string_view& text, char behind) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != behind || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

}  // namespace

std::string to_text(const LinesPath& lines) {
  return std::string(kPrefix) + std::to_string(lines.lines.begin) + "-" + std::to_string(lines.lines.end) + "/" + lines.path;
}

std::optional<LinesPath> parse_lines_path(std::string_view path) {
  if (!path.starts_with(kPrefix)) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  const std::optional<std::int64_t> begin = take_number(path, '-');
  const std::optional<std::int64_t> end = begin ? take_number(path, '/') : std::nullopt;
  if (!end) return std::nullopt;
  return LinesPath{std::string(path), {*begin, *end}};
}

std::string with_files_own_names(std::string message) {
  for (std::size_t at = 0; (at = message.find(kPrefix, at)) != std::string::npos;) {
    const std::string_view rest = std::string_view(message).substr(at);
    const std::optional<LinesPath> lines = parse_lines_path(rest);
    if (lines) {
      message.erase(at, rest.size() - lines->path.size());
    } else {
      at += kPrefix.size();
    }
  }
  return message;
}

}  // namespace millpond
