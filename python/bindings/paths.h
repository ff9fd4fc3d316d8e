#pragma once

#include <nanobind/nanobind.h>

namespace millpond::python {

void bind_paths(nanobind::module_& module);

}  // namespace millpond::python
