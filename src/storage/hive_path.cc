#include "storage/hive_path.h"

#include <utility>

namespace millpond {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '~';
}

void append_encoded(std::string& text, char c) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  text += '%';
  text += kDigits[byte >> 4];
  text += kDigits[byte & 15];
}

std::string encode(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (is_plain(c)) {
      result += c;
    } else {
      append_encoded(result, c);
    }
  }
  return result;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool same_letters(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    if (fold(a[i]) != fold(b[i])) return false;
  }
  return true;
}

// "key=value" taken apart, not decoded.
std::optional<std::pair<std::string_view, std::string_view>> split_folder(std::string_view name) {
  const std::size_t equals = name.find('=');
  if (equals == std::string_view::npos || equals == 0 || name.find('=', equals + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  if (name.find_first_of("?\n\\") != std::string_view::npos) return std::nullopt;  // DuckDB takes these for no key.
  return std::pair(name.substr(0, equals), name.substr(equals + 1));
}

}  // namespace

std::string encode_hive_value(std::string_view value) {
  std::string text = encode(value);
  // Without regard to case: on a file system that has none, the value would fall into the folder of NULL.
  if (!same_letters(text, kHiveNull)) return text;
  std::string result;
  append_encoded(result, text[0]);
  return result + text.substr(1);
}

Result<std::string> decode_hive_value(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low < 0) {
      result += text[i];
      continue;
    }
    if (high + low == 0) {
      return Status::data_corrupt("the folder name part \"" + std::string(text) +
                                  "\" stands for text with a zero byte");
    }
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

std::string hive_folder(const HiveKey& key) {
  return encode(key.name) + "=" + (key.value.has_value() ? encode_hive_value(*key.value) : std::string(kHiveNull));
}

bool is_hive_folder(std::string_view name) { return split_folder(name).has_value(); }

Result<std::vector<HiveKey>> parse_hive(std::string_view path) {
  std::vector<HiveKey> keys;
  for (std::size_t begin = 0;;) {
    const std::size_t end = path.find('/', begin);
    if (end == std::string_view::npos) return keys;
    const auto parts = split_folder(path.substr(begin, end - begin));
    begin = end + 1;
    if (!parts.has_value()) continue;
    HiveKey key;
    MILLPOND_ASSIGN_OR_RETURN(key.name, decode_hive_value(parts->first));
    if (parts->second != kHiveNull) {
      MILLPOND_ASSIGN_OR_RETURN(key.value, decode_hive_value(parts->second));
    }
    keys.push_back(std::move(key));
  }
}

}  // namespace millpond
