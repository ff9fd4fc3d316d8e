#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "millpond/result.h"
#include "millpond/schema.h"

namespace millpond {

/// Whether DuckDB takes both for the same column: ASCII letters compared without case.
bool same_column_name(std::string_view a, std::string_view b);

/// The position of the column that DuckDB would find under `name` (case-insensitive), or -1.
int find_column(const Schema& schema, std::string_view name);

/// An error for a column that is not there, with "did you mean" and the candidates.
Status no_such_column(const Schema& schema, std::string_view name);

Json schema_to_json(const Schema& schema);
Result<Schema> schema_from_json(const Json& json);

/// "a BIGINT, b VARCHAR" for messages and explain.
std::string schema_to_string(const Schema& schema);

}  // namespace millpond
