#include "base/uri.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace millpond {
namespace {

constexpr std::string_view kSchemes[] = {"file",    "s3",       "gs",   "az",    "abfs", "abfss", "hdfs",
                                         "webhdfs", "swebhdfs", "http", "https", "hf",   "3fs"};

bool is_scheme_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

// The length of the scheme at the start of `text`, 0 when it has none. One letter is no scheme: "C:x" is a file's name.
std::size_t scheme_length(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon < 2 || text[0] == '.' || text[0] == '-' || text[0] == '+') return 0;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), is_scheme_character) ? colon : 0;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0) {
      return Status::invalid_argument("\"" + std::string(text) + "\" is no valid file: address",
                                      "Give the plain path instead, or write a percent sign as %25.");
    }
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

Result<Uri> parse_file_uri(std::string_view text, std::string_view rest) {
  if (rest.substr(0, 2) == "//") {
    rest.remove_prefix(2);
    if (rest.substr(0, 9) == "localhost") rest.remove_prefix(9);
  }
  if (rest.empty() || rest[0] != '/') {
    return Status::invalid_argument("\"" + std::string(text) + "\" is no file of this machine",
                                    "Write file:///folder/name, or the plain path.");
  }
  MILLPOND_ASSIGN_OR_RETURN(std::string path, percent_decode(rest));
  return Uri{"", "", std::move(path)};
}

}  // namespace

std::string Uri::to_string() const { return is_local() ? path : scheme + "://" + authority + "/" + path; }

bool has_scheme(std::string_view path) {
  return std::any_of(std::begin(kSchemes), std::end(kSchemes), [&](const std::string_view scheme) {
    return scheme != "file" && path.substr(0, scheme.size()) == scheme && path.substr(scheme.size(), 3) == "://";
  });
}

std::string known_schemes() {
  std::string text;
  for (const std::string_view scheme : kSchemes) text += (text.empty() ? "" : ", ") + std::string(scheme) + "://";
  return text;
}

Result<Uri> parse_uri(std::string_view text) {
  if (text.empty()) return Status::invalid_argument("a path is empty");
  if (text.find('\0') != std::string_view::npos) return Status::invalid_argument("a path holds a zero byte");
  const std::size_t length = scheme_length(text);
  if (length == 0) return Uri{"", "", std::string(text)};

  std::string scheme(text.substr(0, length));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (std::find(std::begin(kSchemes), std::end(kSchemes), scheme) == std::end(kSchemes)) {
    return Status::unsupported("unknown scheme \"" + scheme + "\" in \"" + std::string(text) + "\"",
                               "Known are " + known_schemes() +
                                   " and plain paths; write a local name with a colon as \"./" + std::string(text) +
                                   "\".");
  }
  std::string_view rest = text.substr(length + 1);
  if (scheme == "file") return parse_file_uri(text, rest);
  const std::size_t slash = rest.find('/', 2);
  const std::string_view authority = rest.substr(0, 2) == "//" ? rest.substr(2, slash - 2) : std::string_view();
  // HDFS and 3FS may leave the host to their configuration: hdfs:///folder.
  const bool needs_authority = scheme != "hdfs" && scheme != "3fs";
  if (rest.substr(0, 2) != "//" || (needs_authority && authority.empty())) {
    return Status::invalid_argument("\"" + std::string(text) + "\" lacks what follows the scheme",
                                    "Write " + scheme + "://" + (needs_authority ? "bucket" : "host") + "/path.");
  }
  return Uri{std::move(scheme), std::string(authority),
             std::string(slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1))};
}

}  // namespace millpond
