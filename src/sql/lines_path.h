#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "data/slice.h"

namespace millpond {

/// Some lines of a file under a name of their own, which only our file-system bridge opens: so that readers of DuckDB, which know
/// whole files, read them. The name ends with the file's own, with its folders and its ending.
struct LinesPath {
  std::string path;
  LineRange lines;

  bool operator==(const LinesPath&) const = default;
};

/// "millpond-lines://0-67108864//data/x.json"
std::string to_text(const LinesPath& lines);

/// Nothing when the path is another file's.
std::optional<LinesPath> parse_lines_path(std::string_view path);

/// A message about files, with the names that they have for the user.
std::string with_files_own_names(std::string message);

}  // namespace millpond
