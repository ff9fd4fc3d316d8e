#pragma once

#include <string>
#include <utility>
#include <vector>

#include "duckdb/main/connection.hpp"
#include "millpond/result.h"

namespace millpond {

/// Runs the statements that stand before a task's query, on its own connection; what they make goes with it.
/// Allowed: CREATE of tables, views, macros and types (all made temporary, whether they say so or not), INSERT, UPDATE,
/// DELETE and DROP on those, SELECT (run, rows dropped), SET VARIABLE, and SET of the connection's own settings that
/// database.cc lists. Anything else is kInvalidArgument and called by its name. `relations` (name, SELECT) are views
/// that the statements may read; they are made only when there are statements.
Status run_setup(duckdb::Connection& connection, const std::vector<std::string>& statements,
                 const std::vector<std::pair<std::string, std::string>>& relations);

}  // namespace millpond
