#pragma once

#include <string>
#include <vector>

#include "millpond/result.h"

namespace millpond {

/// `query` with {0}, {1} … replaced by the names of relations. What stands in string literals, quoted names, dollar quotes and
/// comments is left alone, and so are the braces of struct literals ({'a': 1}). Where {{ stands outside of those, the text was
/// written for a formatter that needs doubled braces: {{ and }} outside of literals become { and }.
/// kInvalidArgument for a placeholder beyond the last name.
Result<std::string> substitute(const std::string& query, const std::vector<std::string>& names);

}  // namespace millpond
