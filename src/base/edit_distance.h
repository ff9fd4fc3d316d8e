#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millpond {

/// How many single-character changes lead from `a` to `b`, without regard to ASCII case; a swap of two neighbours is
/// one.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `name`, for "did you mean": none when the nearest is no more alike than chance
/// (more than a third of its length away).
std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace millpond
