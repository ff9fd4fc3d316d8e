#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/slice.h"
#include "duckdb/main/connection.hpp"
#include "millpond/result.h"
#include "millpond/schema.h"
#include "storage/file_system.h"

namespace millpond {

/// Whether CSV files begin with a line that holds the declared columns' names (compared without case): then that is a
/// header, no row. `options` are the reader's, all but the header known. kInvalidArgument when some files have such a line
/// and some have not, or when the names stand in another order: rows would come out under wrong names.
/// Costs one small read a file.
Result<bool> begin_with_names(duckdb::Connection& connection, FileSystem& files, const std::vector<FileSlice>& slices,
                              const Schema& declared, const std::map<std::string, std::string>& options);

}  // namespace millpond
