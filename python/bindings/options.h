#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <utility>
#include <vector>

#include "millpond/schema.h"

namespace millpond::python {

/// A schema as Python sees it: [(name, type), …].
using ColumnList = std::vector<std::pair<std::string, std::string>>;

ColumnList columns_of(const Schema& schema);
Schema schema_of(const ColumnList& columns);

void bind_options(nanobind::module_& module);

}  // namespace millpond::python
