#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millpond/result.h"

namespace millpond {

/// The folder of a NULL partition value.
inline constexpr std::string_view kHiveNull = "__HIVE_DEFAULT_PARTITION__";

/// One key=value folder of a path, decoded; no value: NULL.
struct HiveKey {
  std::string name;
  std::optional<std::string> value;

  bool operator==(const HiveKey&) const = default;
};

/// A name or value as part of a folder's name: all but ASCII letters, digits and "-_.~" becomes %XX, as DuckDB writes
/// it, so that no value can lead out of its folder. A value that reads like the NULL folder's name gets its first
/// letter encoded.
std::string encode_hive_value(std::string_view value);

/// The inverse. kDataCorrupt when it decodes to a zero byte; a % that is not followed by two hex digits stands for
/// itself.
Result<std::string> decode_hive_value(std::string_view text);

/// "name=value" or "name=__HIVE_DEFAULT_PARTITION__".
std::string hive_folder(const HiveKey& key);

/// The keys of the folders in a path, outermost first; the last part, a file's name, is not looked at. A folder with
/// two equal signs or without a name is no key, as in DuckDB.
Result<std::vector<HiveKey>> parse_hive(std::string_view path);

/// Whether a folder's name has the form key=value.
bool is_hive_folder(std::string_view name);

}  // namespace millpond
