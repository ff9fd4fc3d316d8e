#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/scan_options.h"
#include "data/schema.h"
#include "data/slice.h"
#include "millpond/result.h"

namespace millpond {

/// FROM clauses that together give the rows of `files` in order: one for each run of whole files or of lines of files, one
/// for each file of which only some rows are read. Columns come by the names of `schema`, perhaps with others and in another order; types
/// are what the files hold. Every reader option that DuckDB would guess from the files is pinned.
Result<std::vector<std::string>> file_scans(const std::vector<FileSlice>& files, const ScanOptions& options,
                                            const Schema& schema);

/// The call of DuckDB's reader over whole files: "read_parquet([{'filename': …}], …)".
/// `physical` are the columns that lie in the files themselves: without hive, filename and file_row_number.
std::string reader_call(const std::vector<std::string>& paths, const ScanOptions& options, const Schema& physical);

/// The same, where `list` is an expression that gives the files.
std::string reader_call(const std::string& list, const std::vector<std::string>& paths, const ScanOptions& options,
                        const Schema& physical);

/// DuckDB names folder columns as the path spells them ("sp%20ace"): `call` with their decoded names, as `options` has them.
std::string with_decoded_keys(const std::string& call, const std::vector<std::string>& paths, const ScanOptions& options);

/// Whether a text file is decompressed while it is read, as far as names and options tell.
bool is_compressed(const std::string& path, const std::map<std::string, std::string>& options);

/// The columns of `schema` that lie in the files themselves.
Schema physical_columns(const Schema& schema, const ScanOptions& options);

}  // namespace millpond
