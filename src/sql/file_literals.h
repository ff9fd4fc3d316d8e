#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millpond {

/// {'a': 'x', 'b': 'y'}: a struct literal of strings.
std::string quote_struct(const std::vector<std::pair<std::string, std::string>>& members);

/// A list of files as DuckDB's readers take it without expanding patterns: [{'filename': '/a/b*.parquet'}]. Of many files
/// [{'filename': file} FOR file IN ['/a/b*.parquet', …]].
std::string quote_files(const std::vector<std::string>& paths);

/// A path as a pattern that matches only itself, for functions that know no other way to name a file.
std::string escape_glob(std::string_view path);

}  // namespace millpond
