#pragma once

#include <string>

#include "duckdb/common/types.hpp"
#include "millpond/schema.h"

namespace millpond {

/// `select` with what Arrow would change without a word as text: BIT (its inner bytes), TIME WITH TIME ZONE (its zone)
/// and UHUGEINT (large values turn negative), also inside of other types. `select` itself when there is nothing such.
std::string select_for_arrow(const std::string& select, const Schema& schema,
                             const duckdb::vector<duckdb::LogicalType>& types);

/// Whether the types' names alone show that select_for_arrow has nothing to do. False may be wrong.
bool travels_unchanged(const Schema& schema);

/// `select`, whose columns are `found`, cast to the declared types; `select` itself when they are the same. Columns are
/// matched by position.
std::string select_as_declared(const std::string& select, const Schema& found, const Schema& declared);

}  // namespace millpond
