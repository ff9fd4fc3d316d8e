#include "paths.h"

#include <nanobind/stl/string.h>

#include <string>

#include "errors.h"
#include "storage/local_path.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace millpond::python {

void bind_paths(nb::module_& module) {
  module.def(
      "readable_path", [](const std::string& path) { return unwrap(readable_path(path)); }, "path"_a,
      "A path as the session finds it: of file:// and 3fs:// the path on this machine.");
}

}  // namespace millpond::python
