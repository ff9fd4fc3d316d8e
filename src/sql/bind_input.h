#pragma once

#include <cstdint>
#include <string>

#include "duckdb/main/database.hpp"
#include "millpond/result.h"
#include "millpond/schema.h"
#include "sql/engine.h"

namespace millpond {

/// Registers millpond_input(name, schema, num_rows, statistics): a relation of these columns, told as JSON, for binding and
/// planning. What a query over it means can be asked without any data. The optimizer can't know that it has no rows, so
/// nothing is folded away.
Status register_bind_input(duckdb::DatabaseInstance& database);

/// "FROM millpond_input('in0', '[{"name":"a","type":"BIGINT"}]', num_rows := 10)"; without the number when it is negative. With
/// statistics these are a list: a column's name, its statistics, another column's name, and so on.
std::string bind_input_select(const BoundInput& input);

/// The name given to a bound millpond_input, empty for any other function.
std::string bind_input_name(const duckdb::string& function, const duckdb::FunctionData* data);

}  // namespace millpond
